import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { DutyRecord } from '@/api/model';
import { useReasonText } from '@/i18n/useReasonText';
import { AttachBar } from './AttachBar';
import { AttachmentRow } from './AttachmentRow';
import styles from './attachments.module.css';
import { DropZone } from './DropZone';
import { isPicture, PictureDialog } from './PictureDialog';
import { UploadRows } from './UploadRows';
import { useUploads } from './useUploads';

/** The attachments of a record: seen, fetched from other sites, added. */
export function Attachments({ record }: { record: DutyRecord }) {
  const { t } = useTranslation();
  const reasonText = useReasonText();
  const uploads = useUploads(record.id);
  const [shown, show] = useState<string | null>(null);
  const offer = record.actions.find(({ id }) => id === 'attach');
  const pictures = record.attachments.filter(isPicture);
  return (
    <DropZone text={t('attachments.drop')} onFiles={uploads.add} disabled={!offer?.allowed}>
      <section className={styles.panel} aria-label={t('attachments.title')}>
        <h2>{t('attachments.title')}</h2>
        {record.attachments.length > 0 ? (
          <ul className={styles.list}>
            {record.attachments.map((attachment) => (
              <AttachmentRow key={attachment.id} attachment={attachment} onShow={show} />
            ))}
          </ul>
        ) : (
          <p className="secondary">{t('attachments.none')}</p>
        )}
        <UploadRows uploads={uploads.uploads} queue={uploads.queue} />
        {offer?.allowed ? (
          <AttachBar accept={uploads.accept} onFiles={uploads.add} />
        ) : offer ? (
          <p className="secondary">{reasonText(offer.reason)}</p>
        ) : null}
      </section>
      <PictureDialog pictures={pictures} shown={shown} onShow={show} />
    </DropZone>
  );
}
