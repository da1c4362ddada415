/** Text of several lines that others wrote (a traceback, the output of a program), made safe to print. */
import { CONTROLS, createEscape } from './escape.js';

// Not the tab: programs indent with it, and no terminal does anything else with it.
const escapeLine = createEscape(CONTROLS.replace(String.raw`\x00-\x1f`, String.raw`\x00-\x08\x0a-\x1f`));

/** Control characters are escaped, and each line is indented, so that none begins like a line of ours. */
export function formatDetail(detail: string): string {
  const lines = detail.trimEnd().split(/\r?\n/);
  return lines.map((line) => `    ${escapeLine(line)}\n`).join('');
}
