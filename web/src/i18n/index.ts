import dayjs from 'dayjs';
import i18next from 'i18next';
import { initReactI18next } from 'react-i18next';
import 'dayjs/locale/zh-cn';
import { en } from './en';
import type { TextsOf } from './shape';
import { zh } from './zh';

export type Language = 'zh-CN' | 'en';

const STORE = 'dutyroom.language';
const stored = localStorage.getItem(STORE);

export const i18n = i18next.createInstance();

function follow(language: string) {
  document.documentElement.lang = language;
  dayjs.locale(language === 'zh-CN' ? 'zh-cn' : 'en');
}

i18n.on('languageChanged', follow);
void i18n.use(initReactI18next).init({
  lng: stored === 'en' ? 'en' : 'zh-CN',
  fallbackLng: 'zh-CN',
  supportedLngs: ['zh-CN', 'en'],
  resources: { 'zh-CN': { translation: zh }, en: { translation: en } },
  interpolation: { escapeValue: false },
  initAsync: false,
});

export function setLanguage(language: Language) {
  localStorage.setItem(STORE, language);
  void i18n.changeLanguage(language);
}

/** A page's own texts, loaded with its code: `addTexts('cameras', { 'zh-CN': …, en: … })`, then `useTranslation('cameras')`. */
export function addTexts<T extends object>(
  namespace: string,
  texts: { 'zh-CN': T; en: TextsOf<T> },
) {
  i18n.addResourceBundle('zh-CN', namespace, texts['zh-CN']);
  i18n.addResourceBundle('en', namespace, texts.en);
}
