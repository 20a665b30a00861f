import { QueryClientProvider } from '@tanstack/react-query';
import { render, screen } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { useState } from 'react';
import { I18nextProvider } from 'react-i18next';
import { describe, expect, it } from 'vitest';
import type { FieldError } from '@/api/errors';
import type { Fields } from '@/api/model';
import { keys, makeQueryClient } from '@/api/queries';
import { i18n } from '@/i18n';
import { incident, logItem } from '@/kinds';
import type { KindSpec } from '@/kinds/spec';
import { localErrors } from './local-errors';
import { RecordFields } from './RecordFields';

function Form({ spec, errors }: { spec: KindSpec; errors: FieldError[] }) {
  const [values, setValues] = useState<Fields>({ happened_at: Date.UTC(2026, 10, 22, 4, 0) });
  return (
    <RecordFields
      prefix="t"
      kind={spec.kind}
      specs={spec.form}
      values={values}
      errors={errors}
      onChange={(name, value) => setValues((old) => ({ ...old, [name]: value }))}
    />
  );
}

function show(spec: KindSpec, errors: FieldError[] = []) {
  const queries = makeQueryClient();
  queries.setQueryData(keys.kinds, {
    kinds: [{ kind: 'log_item', fields: [{ name: 'caller', type: 'string', max_len: 10 }] }],
  });
  return render(
    <I18nextProvider i18n={i18n}>
      <QueryClientProvider client={queries}>
        <Form spec={spec} errors={errors} />
      </QueryClientProvider>
    </I18nextProvider>,
  );
}

describe('a form made from a KindSpec', () => {
  it.each([logItem, incident])('labels every field of $kind', (spec) => {
    show(spec);
    for (const { name } of spec.form) {
      expect(screen.getByLabelText(new RegExp(`^${i18n.t(`field.${name}`)}`))).toBeTruthy();
    }
  });

  it('says each coded error at its own field, in words', () => {
    show(logItem, [
      { field: 'content', code: 'required' },
      { field: 'caller', code: 'too_long', limit: 200 },
      { field: 'place', code: 'brand_new_code' },
    ]);
    const said = (label: RegExp) => {
      const id = screen.getByLabelText(label).getAttribute('aria-describedby');
      return id ? document.getElementById(id)?.textContent : null;
    };
    expect(said(/^内容/)).toBe('必填');
    expect(said(/^来电/)).toBe('最多 200 字');
    expect(said(/^地点/)).toBe('需要改正（brand_new_code）');
    expect(said(/^办理情况/)).toBeNull();
  });

  it('keeps what was typed and counts it near the limit of the field table', async () => {
    show(logItem, [{ field: 'caller', code: 'too_long', limit: 10 }]);
    await userEvent.type(screen.getByLabelText(/^来电/), '后勤处李师傅值班电话');
    expect(screen.getByLabelText<HTMLInputElement>(/^来电/).value).toBe('后勤处李师傅值班电话');
    expect(screen.getByText('10 / 10 字')).toBeTruthy();
  });

  it('steps a time by the minute with the arrow keys', async () => {
    show(logItem);
    const time = screen.getByLabelText<HTMLInputElement>(/^发生时间/);
    await userEvent.click(time);
    await userEvent.keyboard('{ArrowDown}{ArrowDown}{ArrowUp}');
    expect(time.value).toMatch(/11:59$/);
  });
});

it('a time that is no time is found before asking the site', () => {
  expect(localErrors(logItem.form, { happened_at: '三点', content: 'x' })).toEqual([
    { field: 'happened_at', code: 'not_a_time' },
  ]);
});
