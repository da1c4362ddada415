/** Apache httpd as Debian packages it. */
import { firstLineOf } from '../environment/programs.js';

interface WithApache {
  readonly apache: string | undefined;
}

/** As it says it. */
export function apacheVersion({ apache = '' }: WithApache): string {
  return firstLineOf(apache, ['-v']).replace('Server version: Apache/', 'Apache httpd ');
}

export function apacheMissing({ apache }: WithApache): string | undefined {
  return apache ? undefined : "Debian's package apache2-bin is not installed";
}
