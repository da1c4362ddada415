import { expect, test } from 'vitest';
import { createProgram } from '../../../src/cli/program.js';

function help(): string {
  const program = createProgram('1.2.3');
  program.configureOutput({ getOutHelpWidth: () => 80 });
  let text = '';
  program.configureOutput({ writeOut: (part) => (text += part) });
  program.outputHelp();
  return text;
}

test('the help fits 80 columns', () => {
  const tooLong = help()
    .split('\n')
    .filter((line) => line.length > 80);
  expect(tooLong).toEqual([]);
});

test('the help is grouped', () => {
  const headings = [...help().matchAll(/^(\S.*):$/gm)].map((match) => match[1]);
  expect(headings).toEqual([
    'Listening',
    'TLS',
    'Application',
    'Static files',
    'CGI programs',
    'Workers',
    'Life of workers',
    'Processes',
    'Limits for clients',
    'Logs',
    'Other',
    'Commands that serve nothing, with the same flags',
    'Commands for an xgi that runs',
    'Examples',
  ]);
});

test('every flag stands once in the help', () => {
  for (const option of createProgram('1.2.3').options) {
    expect(help().split(`${option.flags} `).length, option.flags).toBe(2);
  }
});
