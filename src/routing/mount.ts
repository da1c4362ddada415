/** Handlers that serve what is below a path. */
import { decodeSegments } from './segments.js';

/**
 * What is left of a path behind a mount, still percent-encoded: '' or beginning with `/`. undefined if the path is not below it. Compared
 * segment by segment, decoded: `/cgi%2Dbin/a` is below `/cgi-bin`, `/cgi-binary` is not.
 *
 * @param mount '' for the root, else beginning with `/` and not ending with it
 */
export function behindMount(path: string, mount: string): string | undefined {
  if (mount === '') return path;
  if (path === mount || path.startsWith(`${mount}/`)) return path.slice(mount.length);
  if (!path.includes('%')) return undefined;
  const depth = mount.split('/').length;
  const parts = path.split('/');
  const front = decodeSegments(parts.slice(0, depth).join('/'));
  if (front.kind === 'refused' || `/${front.segments.join('/')}` !== mount) return undefined;
  const rest = parts.slice(depth).join('/');
  return parts.length > depth ? `/${rest}` : '';
}
