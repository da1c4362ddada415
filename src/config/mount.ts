/** `/` → '', `/cgi-bin/` → `/cgi-bin`; undefined for what is not its own normal form in a URL. */
export function parseMount(text: string): string | undefined {
  const mount = text.replace(/\/$/, '');
  return /^(?:\/(?!\.\.?(?:\/|$))[\w.~!$&'()*+,;=:@-]+)*$/.test(mount) && text.startsWith('/')
    ? mount
    : undefined;
}
