import { expect, test } from 'vitest';
import { fieldsWhere, valuesOf, withoutFields } from '../../../src/http/field-values.js';

const FIELDS = ['Accept', 'a', 'Cookie', 'Accept', 'ACCEPT', 'b', 'Accepts', 'c'];

test('valuesOf: of that name alone, in any case, in order', () => {
  expect(valuesOf(FIELDS, 'accept')).toEqual(['a', 'b']);
  expect(valuesOf(FIELDS, 'cookie')).toEqual(['Accept']);
  expect(valuesOf(FIELDS, 'none')).toEqual([]);
});

test('fieldsWhere: names are asked about, as they are written, and values are not', () => {
  const asked: string[] = [];
  const kept = fieldsWhere(FIELDS, (name) => {
    asked.push(name);
    return name === 'ACCEPT' || name === 'Cookie';
  });
  expect(kept).toEqual(['Cookie', 'Accept', 'ACCEPT', 'b']);
  expect(asked).toEqual(['Accept', 'Cookie', 'ACCEPT', 'Accepts']);
});

test('withoutFields: a value that is a name stays', () => {
  expect(withoutFields(FIELDS, new Set(['accept']))).toEqual(['Cookie', 'Accept', 'Accepts', 'c']);
});
