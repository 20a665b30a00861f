import { useTranslation } from 'react-i18next';
import type { Attachment } from '@/api/model';
import { Disputed } from '@/marks/Disputed';
import { useSites } from '@/sites/useSites';
import { dateTime } from '@/time/format';
import styles from './attachments.module.css';
import { FetchState } from './FetchState';
import { fileUrl } from './file-url';
import { isPicture } from './PictureDialog';
import { sizeText } from './size';
import { useBlobState } from './useBlobState';

interface Props {
  attachment: Attachment;
  onShow: (id: string) => void;
}

/** One attachment: its picture or kind, its name, who added it, and whether it is here. */
export function AttachmentRow({ attachment, onShow }: Props) {
  const { t } = useTranslation();
  const { name: siteName } = useSites();
  const state = useBlobState(attachment);
  const { id, name, caption, author, site, at } = attachment;
  const here = state.place === 'here';
  return (
    <li className={styles.item}>
      {here && isPicture(attachment) ? (
        <button
          type="button"
          className={styles.thumb}
          aria-label={t('attachments.show', { name })}
          onClick={() => onShow(id)}
        >
          <img src={fileUrl(attachment)} alt="" loading="lazy" />
        </button>
      ) : (
        <span className={styles.thumb} aria-hidden="true">
          {(name.split('.').pop() ?? '').slice(0, 4).toUpperCase()}
        </span>
      )}
      <div className={styles.about}>
        <span className={styles.name}>
          {here ? (
            <a href={fileUrl(attachment)} download={name}>
              {name}
            </a>
          ) : (
            name
          )}{' '}
          {attachment.disputed ? <Disputed /> : null}
        </span>
        {caption ? <span className={styles.name}>{caption}</span> : null}
        <span className="secondary figures">
          {sizeText(state.size)} · {siteName(site)} · {author.name} · {dateTime(at)}
        </span>
        {here ? null : <FetchState attachment={attachment} state={state} />}
      </div>
    </li>
  );
}
