import { useTranslation } from 'react-i18next';
import type { DutyRecord } from '@/api/model';
import { RecordLink } from './RecordLink';
import styles from './record.module.css';

export function Links({ links }: Pick<DutyRecord, 'links'>) {
  const { t } = useTranslation();
  if (links.length === 0) return null;
  return (
    <section className={styles.panel}>
      <h2>{t('record.links')}</h2>
      <ul className={styles.links}>
        {links.map((link) => (
          <li key={`${link.relation}-${link.id}`}>
            <span className="secondary">{t(`kind.${link.kind}.name`)}</span>{' '}
            <RecordLink kind={link.kind} id={link.id}>
              {link.number} {link.title}
            </RecordLink>
          </li>
        ))}
      </ul>
    </section>
  );
}
