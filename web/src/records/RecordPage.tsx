import { useTranslation } from 'react-i18next';
import { ActionBar } from '@/actions/ActionBar';
import type { DutyRecord } from '@/api/model';
import { Attachments } from '@/attachments/Attachments';
import { useAttaches } from '@/fields/useFieldLimits';
import type { KindSpec } from '@/kinds/spec';
import { Conflicts } from './Conflicts';
import { ExcessNotice } from './ExcessNotice';
import { FieldList } from './FieldList';
import { Links } from './Links';
import { RecordHead } from './RecordHead';
import styles from './record.module.css';
import { Timeline } from './Timeline';
import { isWithheld } from './withheld';

/** The page of a record whose kind needs nothing special. */
export function RecordPage({ record, spec }: { record: DutyRecord; spec: KindSpec }) {
  const { t } = useTranslation();
  const attaches = useAttaches(record.kind) && !isWithheld(record);
  const amendments = record.timeline.filter(({ type }) => type === 'amendment');
  const history = record.timeline.filter(({ type }) => type !== 'amendment');
  return (
    <article className={styles.page}>
      <RecordHead
        record={record}
        spec={spec}
        title={record.title || t(`kind.${record.kind}.name`)}
      />
      <Conflicts conflicts={record.conflicts} />
      <ExcessNotice record={record} />
      <div className={styles.columns}>
        <div className={styles.column}>
          <FieldList record={record} spec={spec} />
          {attaches || record.attachments.length > 0 ? <Attachments record={record} /> : null}
          <section className={styles.panel}>
            <h2>{t('record.amendments')}</h2>
            <Timeline
              items={amendments}
              empty={t(isWithheld(record) ? 'record.withheld' : 'record.noAmendments')}
            />
          </section>
        </div>
        <div className={styles.column}>
          <section className={`${styles.panel} screen-only`}>
            <h2>{t('record.actions')}</h2>
            <ActionBar record={record} spec={spec} />
          </section>
          <Links links={record.links} />
          <section className={styles.panel}>
            <h2>{t('record.history')}</h2>
            <Timeline items={history} empty={t('timeline.empty')} />
          </section>
        </div>
      </div>
    </article>
  );
}
