import { describe, expect, test } from 'vitest';
import { chooseCoding, chooseMediaType, namesMediaType } from '../../../src/http/accept.js';

describe('of br, zstd and gzip', () => {
  test.each([
    [undefined, null],
    ['', null],
    ['gzip', 'gzip'],
    ['GZIP', 'gzip'],
    ['x-gzip', 'gzip'],
    ['gzip, deflate, br, zstd', 'br'],
    ['gzip;q=1.0, br;q=0.5', 'gzip'],
    ['gzip; q=0.4 , zstd ;q=0.5', 'zstd'],
    ['br;q=0, gzip', 'gzip'],
    ['br;q=0.000', null],
    ['*', 'br'],
    ['*, br;q=0', 'zstd'],
    ['*;q=0, gzip', 'gzip'],
    ['identity', null],
    ['identity;q=1, gzip;q=0.5', null],
    ['identity;q=0.5, gzip;q=0.5', 'gzip'],
    ['identity;q=0', null],
    ['deflate', null],
    ['gzip;q=high', null],
    ['gzip;q=1.5, br;q=0.9', 'gzip'],
    [';;,,=', null],
  ])('%j: %s', (value, coding) => expect(chooseCoding(value, ['br', 'zstd', 'gzip'])).toBe(coding));
});

describe('of HTML and JSON', () => {
  test.each([
    [undefined, 'text/html'],
    ['*/*', 'text/html'],
    ['application/json', 'application/json'],
    ['application/json, text/plain, */*', 'text/html'],
    ['application/json, */*;q=0.1', 'application/json'],
    ['text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8', 'text/html'],
    ['text/*;q=0.3, application/json;q=0.5', 'application/json'],
    ['text/*', 'text/html'],
    ['text/html;q=0, */*', 'application/json'],
    ['image/png', undefined],
  ])('%j: %s', (value, type) => expect(chooseMediaType(value, ['text/html', 'application/json'])).toBe(type));
});

test.each([
  ['text/html', true],
  ['application/xml, TEXT/HTML;q=0.9', true],
  ['*/*', false],
  ['text/*', false],
  ['text/html;q=0', false],
])('%j names HTML: %s', (value, names) => expect(namesMediaType(value, 'text/html')).toBe(names));
