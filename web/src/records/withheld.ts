import type { DutyRecord } from '@/api/model';

/** Whether the site kept this record's words from the reader: every record of ours has a title. */
export const isWithheld = (record: DutyRecord) => record.sensitive && record.title === '';
