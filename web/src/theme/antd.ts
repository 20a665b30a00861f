import { type ThemeConfig, theme } from 'antd';
import { type Mode, palettes } from './palette';

const fontFamily =
  '"Microsoft YaHei", "Noto Sans CJK SC", "Noto Sans SC", "PingFang SC", sans-serif';

/** `touch`: controls are tall enough for a finger. */
export function antdTheme(mode: Mode, touch: boolean): ThemeConfig {
  const p = palettes[mode];
  return {
    algorithm: mode === 'night' ? theme.darkAlgorithm : theme.defaultAlgorithm,
    token: {
      fontFamily,
      fontSize: 16,
      fontSizeSM: 14,
      lineHeight: 1.5,
      borderRadius: 4,
      borderRadiusLG: 4,
      borderRadiusSM: 4,
      controlHeight: touch ? 48 : 36,
      ...(touch ? { controlHeightSM: 48 } : {}),
      colorPrimary: p.primary,
      colorLink: p.primaryText,
      colorLinkHover: p.primaryText,
      colorLinkActive: p.primaryText,
      colorError: p.danger,
      colorErrorText: p.danger,
      colorText: p.text,
      colorTextSecondary: p.secondary,
      colorTextTertiary: p.secondary,
      colorTextDescription: p.secondary,
      colorTextPlaceholder: p.secondary,
      colorTextDisabled: p.secondary,
      colorBgLayout: p.page,
      colorBgContainer: p.panel,
      colorBgElevated: p.panel,
      colorBorder: p.control,
      colorBorderSecondary: p.line,
      boxShadow: 'none',
      boxShadowSecondary: 'none',
      boxShadowTertiary: 'none',
      motion: false,
    },
    components: {
      Button: { primaryShadow: 'none', defaultShadow: 'none', dangerShadow: 'none' },
      Form: { itemMarginBottom: 12, verticalLabelPadding: '0 0 4px' },
      Modal: { titleFontSize: 20 },
      Select: { optionSelectedBg: p.selected },
    },
  };
}
