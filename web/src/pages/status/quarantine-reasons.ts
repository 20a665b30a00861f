const CODES = {
  upgrade: ['newer_table', 'unknown_kind', 'unknown_rules', 'unknown_section'],
  after: ['after_held'],
  revoked: ['beyond_cut'],
  branch: ['dep_on_branch'],
  sealed: ['sealed'],
  erased: ['erased', 'record_erased'],
  unreadable: ['library_failure'],
  large: [
    'record_full',
    'record_too_large',
    'too_much_work',
    'too_many_ops',
    'too_many_names',
    'change_too_long',
    'change_count',
  ],
  stranger: [
    'foreign_actor',
    'foreign_number',
    'foreign_record_id',
    'unknown_actor',
    'unknown_signer',
    'not_home_site',
    'not_the_institution',
    'record_of_the_institution',
    'identity',
  ],
  rule: [
    'once_field',
    'entry_changed',
    'operation',
    'unknown_field',
    'value',
    'other_kind',
    'created_twice',
    'not_active',
    'no_rules',
  ],
} as const;

export type Reason = keyof typeof CODES | 'damaged';

/** What an administrator is told of a code; a code without words of its own is damaged data. */
export function reasonOf(code: string): Reason {
  const reasons = Object.entries(CODES) as [Reason, readonly string[]][];
  return reasons.find(([, codes]) => codes.includes(code))?.[0] ?? 'damaged';
}
