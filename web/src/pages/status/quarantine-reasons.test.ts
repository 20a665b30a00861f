import { describe, expect, it } from 'vitest';
import { i18n } from '@/i18n';
import { reasonOf } from './quarantine-reasons';

describe('reasons of quarantine', () => {
  it('are told in words, unknown codes too', () => {
    for (const code of ['newer_table', 'after_held', 'value', 'truncated', 'from_the_future']) {
      expect(i18n.exists(`quarantine.why.${reasonOf(code)}`), code).toBe(true);
    }
    expect(reasonOf('from_the_future')).toBe('damaged');
  });
});
