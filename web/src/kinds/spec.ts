import type { DutyRecord, Fields, FieldValue, Role } from '@/api/model';

export type ColumnId =
  | 'times'
  | 'number'
  | 'grade'
  | 'category'
  | 'title'
  | 'summary'
  | 'state'
  | 'phase'
  | 'author';

export type FilterId = 'site' | 'kind' | 'category' | 'day' | 'q' | 'open';

/** How a field is typed in. Its limits come from the server's field table. */
export interface FieldSpec {
  name: string;
  input: 'time' | 'line' | 'long' | 'choice' | 'flag';
  /** Values in the order shown; their names are the texts `choices.<choicesOf ?? name>`. */
  choices?: readonly string[];
  choicesOf?: string;
  optional?: boolean;
  /** Spans the form's whole width. */
  wide?: boolean;
}

export interface ActionSpec {
  fields: readonly FieldSpec[];
  /** What the form starts from, so that nothing is typed twice. */
  initial?: (record: DutyRecord, now: number) => Fields;
  /** The result is another record, whose page opens. */
  opens?: boolean;
  danger?: boolean;
}

export type ListPath = '/log' | '/incidents';
export type PagePath = '/log/$id' | '/incidents/$id' | '/consultations/$id';

/**
 * What the web knows of one record kind; lists, pages and forms are driven by it. Its words are
 * texts: `kind.<kind>.*`, `field.<name>`, `choices.<name>.<value>`, `action.<id>`.
 */
export interface KindSpec {
  kind: string;
  list: ListPath;
  page: PagePath;
  columns: readonly ColumnId[];
  filters: readonly FilterId[];
  /** The field the category filter speaks of, with its choices. */
  category: FieldSpec;
  /** Roles that may write a new one; the site decides, this only spares typing in vain. */
  writers: readonly Role[];
  form: readonly FieldSpec[];
  /** Names in `form` shown at once; the others wait under 更多项目. */
  quickFields: readonly string[];
  quickTypes: readonly string[];
  sections: readonly { id: string; fields: readonly string[] }[];
  actions: Readonly<Record<string, ActionSpec>>;
  /** A new form's values. */
  initial: (now: number) => Fields;
  /** What follows from one field's new value, e.g. a category that is sensitive by default. */
  follow?: (name: string, value: FieldValue) => Fields;
}
