import { legacyLogicalPropertiesTransformer, StyleProvider } from '@ant-design/cssinjs';
import { App, ConfigProvider } from 'antd';
import enUS from 'antd/locale/en_US';
import zhCN from 'antd/locale/zh_CN';
import { createContext, type ReactNode, useContext, useEffect, useMemo, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { antdTheme } from './antd';
import { type Mode, palettes } from './palette';
import { useNarrow } from './useNarrow';

const STORE = 'dutyroom.mode';

interface ModeControl {
  mode: Mode;
  setMode: (mode: Mode) => void;
}

const ModeContext = createContext<ModeControl | null>(null);

export function useMode(): ModeControl {
  const control = useContext(ModeContext);
  if (!control) throw new Error('useMode outside ThemeProvider');
  return control;
}

const nonce = document.querySelector<HTMLMetaElement>('meta[name="csp-nonce"]')?.content;

function paint(mode: Mode) {
  const root = document.documentElement;
  root.dataset.mode = mode;
  root.style.setProperty('color-scheme', mode === 'night' ? 'dark' : 'light');
  for (const [name, value] of Object.entries(palettes[mode])) {
    root.style.setProperty(`--${name}`, value);
  }
}

export function ThemeProvider({ children }: { children: ReactNode }) {
  const { i18n } = useTranslation();
  const [mode, setMode] = useState<Mode>(() =>
    localStorage.getItem(STORE) === 'night' ? 'night' : 'day',
  );
  const touch = useNarrow();
  useEffect(() => {
    paint(mode);
    localStorage.setItem(STORE, mode);
  }, [mode]);
  const control = useMemo(() => ({ mode, setMode }), [mode]);
  const csp = useMemo(() => (nonce ? { nonce } : {}), []);
  return (
    <ModeContext value={control}>
      <StyleProvider hashPriority="high" transformers={[legacyLogicalPropertiesTransformer]}>
        <ConfigProvider
          csp={csp}
          locale={i18n.language.startsWith('zh') ? zhCN : enUS}
          theme={antdTheme(mode, touch)}
          button={{ autoInsertSpace: false }}
          wave={{ disabled: true }}
        >
          <App>{children}</App>
        </ConfigProvider>
      </StyleProvider>
    </ModeContext>
  );
}
