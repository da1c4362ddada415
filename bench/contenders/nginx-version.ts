import { firstLineOf } from '../environment/programs.js';

/** As it says it. */
export function nginxVersion({ nginx = '' }: { readonly nginx: string | undefined }): string {
  return firstLineOf(nginx, ['-v']).replace(/^.*nginx\//, 'nginx ');
}
