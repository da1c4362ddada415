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
        const missing = from === undefined ? undefined : namesIn(to).find((name) => !hasName(from, name));
        if (from !== undefined && missing === undefined) {
          rules.push({ from, to });
          continue;
        }
        context.addIssue(
          from === undefined
            ? wrongKey(text, `${PATH_FORM}, as a key`)
            : { code: 'custom', path: [text], message: `a target whose :${missing} is in its path, too` },
        );
      }
      return rules;
    });
}

function hasName({ segments }: PathPattern, name: string): boolean {
  return segments.some((segment) => 'name' in segment && segment.name === name);
}
