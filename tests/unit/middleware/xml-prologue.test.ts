import { expect, test } from 'vitest';
import { refusalOf } from '../../../src/middleware/xslt/xml-prologue.js';

test.each([
  '<a/>',
  '<?xml version="1.0" encoding="UTF-8"?>\n<!-- <!DOCTYPE a> --><?pi <!DOCTYPE?>\r\n<a/>',
  '\xef\xbb\xbf<?xml version="1.0" encoding="utf-8"?><a/>',
  "<?xml version='1.0' encoding='ISO-8859-1'?><a>\xe4</a>",
  '<_a/>',
])('%j is given to the parser', (text) => {
  expect(refusalOf(Buffer.from(text, 'latin1'), undefined)).toBeUndefined();
});

test.each([
  ['<!DOCTYPE a><a/>', 'it has a document type declaration'],
  ['<?xml version="1.0"?> <!-- --> <!DOCTYPE a [<!ENTITY x "y">]><a/>', 'it has a document type declaration'],
  ['<!doctype a><a/>', 'it does not begin with an element'],
  ['text', 'it does not begin with an element'],
  ['', 'it does not begin with an element'],
  ['\xfe\xff\0<\0a', 'it does not begin with an element'],
  ['<\0!\0D\0', 'it does not begin with an element'],
  ['<?xml version="1.0" encoding="UTF-16"?><a/>', 'its encoding is UTF-16'],
  ['<?xml version="1.0" encoding="UTF-7"?>+ADwAIQ-DOCTYPE a', 'its encoding is UTF-7'],
  ['<?xml version="1.0" encoding = "ebcdic-cp-us"?><a/>', 'its encoding is ebcdic-cp-us'],
])('%j is not', (text, why) => {
  expect(refusalOf(Buffer.from(text, 'latin1'), undefined)).toBe(why);
});

test('the charset of Content-Type counts too', () => {
  expect(refusalOf(Buffer.from('<a/>'), 'utf-7')).toBe('its charset is utf-7');
  expect(refusalOf(Buffer.from('<a/>'), 'utf-8')).toBeUndefined();
});
