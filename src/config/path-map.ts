/** Paths and what becomes of them: `{ /old/*: /new/*, /users/:id: /people/:id }`. */
import { z } from 'zod/v3';
import { wrongKey } from './issue.js';
import { PATH_FORM, type PathPattern, parsePathPattern } from '../routing/path-pattern.js';
import { namesIn, type PathRule } from '../routing/path-rules.js';

/** @param toForm a target, in words @param isTo whether a text is one */
export function pathMap(toForm: string, isTo: (text: string) => boolean) {
  const expected = `an object: ${PATH_FORM}, and for each ${toForm}`;
  return z
    .record(z.string({ invalid_type_error: toForm }).refine(isTo, toForm).describe(toForm), {
      required_error: expected,
      invalid_type_error: expected,
    })
    .transform((given, context) => {
      const rules: PathRule[] = [];
      for (const [text, to] of Object.entries(given)) {
        const from = parsePathPattern(text);
        if (from === undefined) {
          context.addIssue(wrongKey(text, `${PATH_FORM}, as a key`));
          continue;
        }
        const mistake = mistakeIn(to, from);
        if (mistake === undefined) rules.push({ from, to });
        else context.addIssue({ code: 'custom', path: [text], message: mistake });
      }
      return rules;
    });
}

/** @returns what a target has to be instead; undefined if it is good */
function mistakeIn(to: string, from: PathPattern): string | undefined {
  const missing = namesIn(to).find((name) => !hasName(from, name));
  if (missing !== undefined) return `a target whose :${missing} is in its path, too`;
  // It would stay as it is written.
  const part = [...to.matchAll(/(?<!\/):([A-Za-z_]\w*)/g)].find(([, name]) => hasName(from, name!))?.[1];
  return part === undefined ? undefined : `a target in which :${part} stands right behind a slash, /:${part}`;
}

function hasName({ segments }: PathPattern, name: string): boolean {
  return segments.some((segment) => 'name' in segment && segment.name === name);
}
