import { z } from 'zod/v3';

const WEB_ADDRESS = 'a URL with http or https, for example http://127.0.0.1:9091/verify';

/** A URL that is asked over HTTP; without a fragment, and without a password, which logs would show. */
export const webAddress = z
  .string({ required_error: WEB_ADDRESS, invalid_type_error: WEB_ADDRESS })
  .refine(isWebAddress, WEB_ADDRESS)
  .describe(WEB_ADDRESS);

function isWebAddress(text: string): boolean {
  if (!/^https?:\/\//i.test(text) || !URL.canParse(text)) return false;
  const { username, password, hash } = new URL(text);
  return username === '' && password === '' && hash === '';
}
