import { Button } from 'antd';
import { useTranslation } from 'react-i18next';
import { setLanguage } from '@/i18n';
import { useMode } from '@/theme/ThemeProvider';
import styles from './Head.module.css';

/** Day or night, and the language; both kept on this PC. */
export function Preferences() {
  const { t, i18n } = useTranslation();
  const { mode, setMode } = useMode();
  const chinese = i18n.language.startsWith('zh');
  return (
    <span className={styles.preferences}>
      <Button
        size="small"
        type="text"
        title={t(mode === 'day' ? 'app.toNight' : 'app.toDay')}
        aria-label={t(mode === 'day' ? 'app.toNight' : 'app.toDay')}
        onClick={() => setMode(mode === 'day' ? 'night' : 'day')}
      >
        {t(mode === 'day' ? 'app.night' : 'app.day')}
      </Button>
      <Button
        size="small"
        type="text"
        lang={chinese ? 'en' : 'zh-CN'}
        onClick={() => setLanguage(chinese ? 'en' : 'zh-CN')}
      >
        {chinese ? 'English' : '中文'}
      </Button>
    </span>
  );
}
