import { useQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import type { DutyRecord, FieldValue } from '@/api/model';
import { recordQuery } from '@/api/queries';
import type { KindSpec } from '@/kinds/spec';
import { Disputed } from '@/marks/Disputed';
import { dateTime } from '@/time/format';
import { RecordLink } from './RecordLink';
import styles from './record.module.css';
import { isWithheld } from './withheld';

interface Props {
  record: DutyRecord;
  spec: KindSpec;
}

/** The record's fields by sections; a field not given says so. */
export function FieldList({ record, spec }: Props) {
  const { t } = useTranslation();
  return (
    <>
      {spec.sections.map((section) => (
        <section key={section.id} className={styles.panel}>
          <h2>{t(`section.${section.id}`)}</h2>
          <dl className={styles.fields}>
            {section.fields.map((name) => (
              <div key={name}>
                <dt>
                  {t(`field.${name}`)} {record.disputed_fields.includes(name) ? <Disputed /> : null}
                </dt>
                <dd>
                  <FieldText
                    spec={spec}
                    name={name}
                    value={record.fields[name]}
                    withheld={isWithheld(record)}
                  />
                </dd>
              </div>
            ))}
          </dl>
        </section>
      ))}
    </>
  );
}

interface TextProps {
  spec: KindSpec;
  name: string;
  value: FieldValue;
  withheld: boolean;
}

function FieldText({ spec, name, value, withheld }: TextProps) {
  const { t } = useTranslation();
  const field = spec.form.find((one) => one.name === name);
  if (field?.input === 'flag') return t(value ? 'field.yes' : 'field.no');
  if (value === undefined || value === null || value === '') {
    return <span className="secondary">{t(withheld ? 'record.withheld' : 'field.notSet')}</span>;
  }
  if (name === 'source') return <SourceLink id={String(value)} />;
  if (typeof value === 'number') return <span className="figures">{dateTime(value)}</span>;
  if (field?.input === 'choice') return t(`choices.${field.choicesOf ?? name}.${value}`);
  return <span className={styles.words}>{String(value)}</span>;
}

function SourceLink({ id }: { id: string }) {
  const { data } = useQuery(recordQuery(id));
  return (
    <RecordLink kind={data?.kind ?? 'log_item'} id={id}>
      {data ? `${data.number} ${data.title}` : id.slice(0, 8)}
    </RecordLink>
  );
}
