import type { FieldError } from '@/api/errors';
import type { Fields } from '@/api/model';
import type { FieldSpec } from '@/kinds/spec';

/** Faults no server need be asked about: a time field holding text that is no time. */
export function localErrors(specs: readonly FieldSpec[], values: Fields): FieldError[] {
  return specs
    .filter(({ name, input }) => input === 'time' && typeof values[name] === 'string')
    .map(({ name }) => ({ field: name, code: 'not_a_time' }));
}

/** What is sent: fields left empty are left out. */
export function filled(values: Fields): Fields {
  return Object.fromEntries(
    Object.entries(values).filter(
      ([, value]) => value !== undefined && value !== null && value !== '' && value !== false,
    ),
  );
}
