import type { Attachment } from '@/api/model';

/** Where the site serves an attachment, under the name this entry gives it. */
export const fileUrl = ({ blob, id }: Pick<Attachment, 'blob' | 'id'>) =>
  `/api/v1/blobs/${blob}?entry=${id}`;
