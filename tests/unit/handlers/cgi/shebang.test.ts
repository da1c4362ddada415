import { describe, expect, test } from 'vitest';
import { readFormat } from '../../../../src/handlers/cgi/shebang.js';

describe('readFormat', () => {
  test.each([
    ['#!/bin/sh\necho', '/bin/sh', null],
    ['#!/bin/sh', '/bin/sh', null],
    ['#! \t /bin/sh \t \n', '/bin/sh', null],
    ['#!/usr/bin/perl -w\n', '/usr/bin/perl', '-w'],
    ['#!/usr/bin/perl \t -w  -T \t\n-x', '/usr/bin/perl', '-w  -T'],
    ['#!/usr/bin/env -S python3 -u\n', '/usr/bin/env', '-S python3 -u'],
    ['#!sh\n', 'sh', null],
    ['#!/opt/caf\u00c3\u00a9\n', '/opt/caf\u00c3\u00a9', null],
    ['#!/bin/sh\0 x\n', '/bin/sh', null],
  ])('%j', (head, interpreter, argument) => {
    expect(readFormat(head)).toEqual({ kind: 'script', interpreter, argument });
  });

  test.each([
    ['', 'empty'],
    ['\x7fELF\x02', 'binary'],
    ['\xcf\xfa\xed\xfe', 'binary'],
    ['#!/bin/sh\r\necho', 'crlf'],
    ['#!/usr/bin/perl -w\r\n', 'crlf'],
    ['\xef\xbb\xbf#!/bin/sh\n', 'bom'],
    ['\xef\xbb\xbfecho', 'unknown'],
    ['echo', 'unknown'],
    ['#', 'unknown'],
    ['#!', 'unknown'],
    ['#! \t\n/bin/sh', 'unknown'],
    ['\n#!/bin/sh', 'unknown'],
    [' #!/bin/sh', 'unknown'],
  ])('%j is %s', (head, kind) => {
    expect(readFormat(head)).toEqual({ kind });
  });
});
