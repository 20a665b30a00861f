import { describe, expect, it } from 'vitest';
import openapi from '@/api/generated/openapi.json';
import { kinds } from '@/kinds';
import { i18n } from '.';
import { en } from './en';
import { zh } from './zh';

const sources = import.meta.glob<string>('../**/*.{ts,tsx}', {
  query: '?raw',
  import: 'default',
  eager: true,
});

type Tree = { [name: string]: string | Tree };

function leaves(tree: Tree, path = ''): [string, string][] {
  return Object.entries(tree).flatMap(([name, value]) =>
    typeof value === 'string'
      ? [[`${path}${name}`, value] as [string, string]]
      : leaves(value, `${path}${name}.`),
  );
}

const holes = (text: string) => (text.match(/\{\{\w+\}\}/g) ?? []).sort();

describe('texts', () => {
  it('in English fill the same holes as in Chinese', () => {
    const english = new Map(leaves(en));
    for (const [key, text] of leaves(zh)) {
      expect(holes(english.get(key) ?? ''), key).toEqual(holes(text));
    }
  });

  it('asked for by name in the code exist', () => {
    const missing: string[] = [];
    for (const [file, source] of Object.entries(sources)) {
      if (file.includes('.test.') || /\/(media|cameras|consultation)\//.test(file)) continue;
      for (const [, key] of source.matchAll(/\bt\('([\w.]+)'/g)) {
        if (!i18n.exists(key as string)) missing.push(`${file}: ${key}`);
      }
    }
    expect(missing).toEqual([]);
  });

  it('cover every error code and timeline type of the site', () => {
    const { Code, FieldCode, TimelineType } = openapi.components.schemas;
    const wanted = [
      ...Code.enum.map((code) => `errors.${code}`),
      ...FieldCode.enum.map((code) => `fieldErrors.${code}`),
      ...TimelineType.enum.map((type) => `timeline.${type}`),
    ];
    expect(wanted.filter((key) => !i18n.exists(key))).toEqual([]);
  });

  it('cover every field, choice and action of every kind', () => {
    const missing: string[] = [];
    const want = (key: string) => i18n.exists(key) || missing.push(key);
    for (const spec of Object.values(kinds)) {
      for (const word of ['name', 'create', 'empty', 'emptyFiltered']) {
        want(`kind.${spec.kind}.${word}`);
      }
      const actions = Object.entries(spec.actions);
      for (const [id] of actions) want(`action.${id}`);
      for (const field of [...spec.form, ...actions.flatMap(([, action]) => action.fields)]) {
        want(`field.${field.name}`);
        for (const choice of field.choices ?? []) {
          want(`choices.${field.choicesOf ?? field.name}.${choice}`);
        }
      }
      for (const section of spec.sections) want(`section.${section.id}`);
    }
    expect(missing).toEqual([]);
  });
});
