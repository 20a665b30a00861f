import type { components } from './generated/schema';

type Schemas = components['schemas'];

/** The site writes null for what is absent and leaves nothing out, so no name here is optional. */
type Present<T> = { [K in keyof T]-?: T[K] };
type Narrow<T, N> = Omit<T, keyof N> & N;

export type Role = Schemas['UserRole'];
export type SiteRole = Schemas['SiteRole'];
export type Session = Schemas['Session'];
export type Person = Schemas['PersonRef'];

export type SiteLink = Present<Schemas['SiteLink']>;
export type Site = Narrow<Schemas['Site'], { link: SiteLink }>;
export type SiteList = Narrow<Schemas['SiteList'], { sites: Site[] }>;

export type KindField = Schemas['KindField'];
export type KindList = Schemas['KindList'];

export type Phase = 'todo' | 'doing' | 'confirm' | 'done';

export type RecordRow = Narrow<
  Present<Schemas['RecordRow']>,
  { phase: Phase; amended: 'none' | 'correction' | 'late_entry' }
>;
export type RecordPage = Narrow<Present<Schemas['Records']>, { items: RecordRow[] }>;

export type FieldValue = string | number | boolean | null | undefined;
export type Fields = Record<string, FieldValue>;

export type TimelineItem = Narrow<Schemas['TimelineItem'], { data: Record<string, unknown> }>;
export type RecordLink = Present<Schemas['Link']>;
/** `choices` are what the action's choice may be now, where not every one of the table is allowed. */
export type RecordAction = Narrow<Schemas['ActionOffer'], { reason: string | null }>;
/** `audio` and `video` say what the person publishes; absent where the site does not tell. */
export type Participant = Present<Schemas['Participant']> & { audio?: boolean; video?: boolean };
export type Consultation = Narrow<
  Schemas['Consultation'],
  { state: 'open' | 'closed'; participants: Participant[] }
>;

export type Sent = Schemas['Blob'];
export type UploadState = Schemas['UploadState'];
export type BlobState = Schemas['BlobState'];
export type BlobLimits = Schemas['BlobLimits'];
export type Attachment = Schemas['Attachment'];

export type DutyRecord = RecordRow & {
  attachments: Attachment[];
  fields: Fields;
  disputed_fields: string[];
  conflicts: Record<string, { value: FieldValue; site: string }[]>;
  timeline: TimelineItem[];
  links: RecordLink[];
  actions: RecordAction[];
  consultation: Consultation | null;
  /** Only in the answer to a consultation's `join`: the caller's own participation. */
  participation?: string;
};

export type Camera = Narrow<
  Present<Schemas['Camera']>,
  { state: 'idle' | 'connecting' | 'playing' | 'retrying' | 'refused' | 'unreachable' }
>;

export type Journal = Schemas['Journal'];
export type AdminStatus = Schemas['Status'];
export type Fork = Schemas['ForkStatus'];
export type CopiedSite = Schemas['CopyStatus'];
export type Quarantined = Schemas['Quarantine'];
export type Rejudgement = Schemas['Rejudgement'];
export type Imported = Schemas['Imported'];

export type FeedRow =
  | { type: 'record'; record: RecordRow }
  | { type: 'sites'; sites: Site[] }
  | { type: 'camera'; camera: Camera }
  | { type: 'resync' };
export type FeedMessage = Narrow<Schemas['FeedMessage'], { rows: FeedRow[] }>;

export interface RecordQuery {
  kind?: string[];
  site?: string;
  category?: string;
  day?: string;
  q?: string;
  open?: boolean;
}
