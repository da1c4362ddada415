/** Where clients are sent, as a person writes it. */
import { z } from 'zod/v3';

const STATUSES = [301, 302, 303, 307, 308] as const;
const STATUS_FORM = `one of ${STATUSES.join(', ')}`;

export const REDIRECT_FORM =
  'a URL (https://example.org/*) or a path (/new/*), where a * at the end stands for the rest';

export function isRedirectTarget(text: string): boolean {
  return /^(?:https?:\/\/[^/\\\s?#]+(?:[/?#]|$)|\/(?![/\\]))[\x21-\x7e]*$/.test(text);
}

export function redirectStatus() {
  return z
    .number({ invalid_type_error: STATUS_FORM })
    .refine((status) => (STATUSES as readonly number[]).includes(status), STATUS_FORM)
    .optional();
}
