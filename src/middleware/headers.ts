/** `headers`: sets, adds and removes header fields of responses, and of requests. */
import type { z } from 'zod/v3';
import { headersOptions } from '../config/middleware/headers.js';
import { deriveRequest } from '../http/derived-request.js';
import type { ResponseHead } from '../http/response-head.js';
import { withoutFields } from '../http/field-values.js';
import type { Fields } from '../types.js';
import { answerWithHead, headWithFields } from './answer.js';
import { defineMiddleware } from './define.js';

/** What a site that says nothing itself is safest with, and works (OWASP Secure Headers); a policy for its content only it can write. */
const SECURITY: Fields = [
  ...['X-Content-Type-Options', 'nosniff'],
  ...['X-Frame-Options', 'SAMEORIGIN'],
  ...['Referrer-Policy', 'strict-origin-when-cross-origin'],
  ...['Cross-Origin-Opener-Policy', 'same-origin'],
];

interface Changes {
  /** Lower case, as those of `beside`. */
  readonly removed: ReadonlySet<string>;
  readonly added: Fields;
  /** The names of what is added beside fields of the same name. */
  readonly beside: ReadonlySet<string>;
  /** Only if there are none of their names. */
  readonly defaults: Fields;
}

/** Changes the fields of answers, of those to errors too; with `request`, those that the application sees. */
export const headers = defineMiddleware('headers', headersOptions, (options) => {
  const response = readChanges(options, options.security === true ? SECURITY : []);
  const request = options.request === undefined ? undefined : readChanges(options.request, []);
  // A program answers with the same head again and again (http/response-head.ts).
  const heads = new WeakMap<ResponseHead, ResponseHead>();
  const changeHead = (head: ResponseHead): ResponseHead => {
    const { base, fields } = head;
    if (base !== null) {
      // Only its last field is its own, a request id say.
      const [name, value] = fields.slice(-2) as [string, string];
      const lower = name.toLowerCase();
      if (response.beside.has(lower)) return headWithFields(head, applyChanges(fields, response));
      const changedBase = changeHead(base);
      return response.removed.has(lower) ? changedBase : changedBase.withField(name, value);
    }
    let changed = heads.get(head);
    if (changed === undefined) {
      changed = headWithFields(head, applyChanges(head.fields, response));
      heads.set(head, changed);
    }
    return changed;
  };
  return (next) => (given) => {
    const changed =
      request === undefined ? given : deriveRequest(given, { fields: applyChanges(given.fields, request) });
    return answerWithHead(next, changed, changeHead);
  };
});

function readChanges(
  { set = {}, add = {}, remove = [] }: Pick<z.output<typeof headersOptions>, 'set' | 'add' | 'remove'>,
  defaults: Fields,
): Changes {
  const removed = new Set([...remove, ...Object.keys(set)].map((name) => name.toLowerCase()));
  const beside = new Set(Object.keys(add).map((name) => name.toLowerCase()));
  return { removed, added: [...Object.entries(set), ...Object.entries(add)].flat(), beside, defaults };
}

function applyChanges(fields: Fields, { removed, added, defaults }: Changes): Fields {
  const kept = [...(removed.size === 0 ? fields : withoutFields(fields, removed)), ...added];
  for (let i = 0; i < defaults.length; i += 2) {
    const lower = defaults[i]!.toLowerCase();
    const isThere = kept.some((name, j) => j % 2 === 0 && name.toLowerCase() === lower);
    if (!isThere && !removed.has(lower)) kept.push(defaults[i]!, defaults[i + 1]!);
  }
  return kept;
}
