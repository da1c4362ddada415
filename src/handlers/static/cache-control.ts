/** Which Cache-Control a file is sent with: the first rule that its path fits. */

export interface CacheControlRule {
  /**
   * `*.css` fits a name in any folder; `/assets/` everything below that folder; `/fonts/**` likewise, `/img/*.png` in that folder only. `*`
   * stands for anything but a slash, `**` for anything, and together with a slash behind it for any folders or none; `?` for one character.
   */
  readonly pattern: string;
  /** `public, max-age=31536000, immutable` */
  readonly value: string;
}

/** The value for a decoded path below the mount, beginning with `/`; undefined for none. */
export type CacheControl = (urlPath: string) => string | undefined;

export function compileCacheControl(rules: readonly CacheControlRule[]): CacheControl {
  const compiled = rules.map(({ pattern, value }) => ({ fits: compilePattern(pattern), value }));
  return (urlPath) => compiled.find(({ fits }) => fits.test(urlPath))?.value;
}

function compilePattern(pattern: string): RegExp {
  const anchored = pattern.includes('/') ? pattern.replace(/^\/?/, '/') : `**/${pattern}`;
  const whole = anchored.endsWith('/') ? `${anchored}**` : anchored;
  const source = whole.replaceAll(/\*\*+\/|\*+|[^*]/gs, (part) => {
    if (part === '*') return '[^/]*';
    if (part.endsWith('*/')) return '(?:.*/)?';
    if (part.startsWith('*')) return '.*';
    return part === '?' ? '[^/]' : part.replace(/[\\^$.+?()[\]{}|]/, String.raw`\$&`);
  });
  return new RegExp(`^${source}$`, 's');
}
