export type Role = 'officer' | 'leader' | 'headquarters' | 'administrator' | 'staff';
export type SiteRole = 'hub' | 'campus';

export interface Person {
  id: string;
  name: string;
}

export interface Session {
  user: { id: string; login: string; name: string; role: Role };
  site: { id: string; name: string; code: string; role: SiteRole };
  expires_at: number;
}

export interface SiteLink {
  state: 'self' | 'up' | 'down';
  since: number | null;
  via: 'direct' | 'hub' | null;
}

export interface Site {
  id: string;
  name: string;
  code: string;
  role: SiteRole;
  self: boolean;
  link: SiteLink;
  held_only_here?: number | null;
}

export interface SiteList {
  now: number;
  sites: Site[];
}

export type FieldType =
  | 'text'
  | 'string'
  | 'time'
  | 'enum'
  | 'bool'
  | 'site'
  | 'record'
  | 'int'
  | 'entries';

export interface KindField {
  name: string;
  type: FieldType;
  required?: boolean;
  max_len?: number | null;
  choices?: string[] | null;
}

export interface KindTable {
  kind: string;
  fields: KindField[];
}

export type Phase = 'todo' | 'doing' | 'confirm' | 'done';

export interface RecordRow {
  id: string;
  kind: string;
  number: string;
  site: string;
  happened_at: number | null;
  recorded_at: number;
  author: Person;
  title: string;
  summary: string;
  state: string | null;
  phase: Phase;
  category: string | null;
  level: string | null;
  sensitive: boolean;
  amended: 'none' | 'correction' | 'late_entry';
  incident: string | null;
  acked: boolean;
  rev: number;
}

export interface RecordPage {
  items: RecordRow[];
  next: string | null;
  as_of: number;
}

export type FieldValue = string | number | boolean | null | undefined;
export type Fields = Record<string, FieldValue>;

export interface TimelineItem {
  id: string;
  at: number;
  recorded_at: number;
  site: string;
  author: Person;
  type: string;
  text: string | null;
  data: Record<string, unknown> | null;
  record: string;
}

export interface RecordLink {
  id: string;
  kind: string;
  number: string;
  title: string;
  state?: string | null;
  relation: string;
}

export interface RecordAction {
  id: string;
  allowed: boolean;
  reason: string | null;
  reauth: boolean;
  /** What the action's choice may be now, where not every one of the table is allowed. */
  choices?: string[];
}

export interface Participant {
  participation: string;
  person: Person;
  site: string;
  joined_at: number;
  left_at: number | null;
  audio: boolean;
  video: boolean;
}

export interface Consultation {
  state: 'open' | 'closed';
  opened_at: number;
  participants: Participant[];
  cameras: { camera: string; pinned_by: string; at: number }[];
}

export interface DutyRecord extends RecordRow {
  fields: Fields;
  conflicts: Record<string, { value: FieldValue; site: string }[]>;
  timeline: TimelineItem[];
  links: RecordLink[];
  actions: RecordAction[];
  consultation: Consultation | null;
  /** Only in the answer to a consultation's `join`: the caller's own participation. */
  participation?: string;
}

export interface Camera {
  id: string;
  site: string;
  name: string;
  place: string;
  state: 'idle' | 'connecting' | 'playing' | 'retrying' | 'refused' | 'unreachable';
  reason: string | null;
  since: number;
  viewers: number;
  codec: string | null;
  width: number | null;
  height: number | null;
  local: boolean;
}

export interface Journal {
  site: string;
  incarnation: number;
  seq: number;
  hash: string;
}

export interface AdminStatus {
  now: number;
  version: string;
  journals: Journal[];
  quarantine: {
    bundle: Journal;
    verdict: 'refused' | 'held';
    code: string;
    record: string | null;
    received_at: number;
  }[];
  forks: { kept: Journal; branch: string; found_at: number }[];
  counters: Record<string, number>;
}

export type FeedRow =
  | { type: 'record'; record: RecordRow }
  | { type: 'sites'; sites: Site[] }
  | { type: 'camera'; camera: Camera }
  | { type: 'resync' };

export interface FeedMessage {
  cursor: string;
  rows: FeedRow[];
  now?: number;
}

export interface RecordQuery {
  kind?: string[];
  site?: string;
  category?: string;
  day?: string;
  q?: string;
  open?: boolean;
}
