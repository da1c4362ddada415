/** The page that shows what is in a folder. */
import { escapeHtml } from '../../http/html.js';
import type { ListedFile } from './folder-files.js';

export interface Listing {
  /** As the client sees it, with a slash at its end; text. */
  readonly path: string;
  readonly isRoot: boolean;
  readonly files: readonly ListedFile[];
  /** How many there are beside these. */
  readonly more: number;
}

/** For the field Content-Security-Policy: no name of a file can load or run anything. */
export const LISTING_POLICY =
  "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'";

const STYLE = `
:root { color-scheme: light dark; --line: #8883; --dim: #8a8a8a; --link: light-dark(#0b57d0, #8ab4f8) }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 56rem; margin: 3rem auto; padding: 0 1.5rem }
h1 { font-size: 1.25rem; font-weight: 600; overflow-wrap: anywhere }
table { width: 100%; border-collapse: collapse; font-variant-numeric: tabular-nums }
th { text-align: left; font-size: .8rem; font-weight: 500; color: var(--dim) }
th, td { padding: .4rem .6rem; border-bottom: 1px solid var(--line) }
td:first-child { overflow-wrap: anywhere }
td:nth-child(n + 2), th:nth-child(n + 2) { text-align: right; white-space: nowrap; color: var(--dim) }
tr:hover td { background: #8881 }
a { color: var(--link); text-decoration: none }
a:hover { text-decoration: underline }
.directory a { font-weight: 600 }
p { color: var(--dim) }
@media (max-width: 34rem) { th:nth-child(3), td:nth-child(3) { display: none } }`;

export function formatListing(listing: Listing): string {
  const title = escapeHtml(listing.path);
  const rows = listing.files.map(formatRow);
  if (!listing.isRoot) rows.unshift('<tr class="directory"><td><a href="../">..</a><td><td>');
  const none = listing.files.length === 0 ? '<p>This folder is empty.</p>\n' : '';
  const more = listing.more > 0 ? `<p>And ${listing.more} more, which are not listed.</p>\n` : '';
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title}</title>
<style>${STYLE}</style>
<h1>${title}</h1>
<table>
<thead><tr><th>Name<th>Size<th>Modified (UTC)
<tbody>
${rows.join('\n')}
</table>
${none}${more}</html>
`;
}

function formatRow({ name, href, type, size, modified }: ListedFile): string {
  const shown = escapeHtml(type === 'directory' ? `${name}/` : name);
  const time = modified === null ? '' : modified.slice(0, 16).replace('T', ' ');
  return `<tr class="${type}"><td><a href="${escapeHtml(href)}">${shown}</a><td>${size === null ? '' : formatSize(size)}<td>${time}`;
}

const UNITS = ['kB', 'MB', 'GB', 'TB'];

function formatSize(bytes: number): string {
  if (bytes < 1000) return `${bytes} B`;
  let size = bytes;
  let unit = -1;
  while (size >= 999.5 && unit < UNITS.length - 1) {
    size /= 1000;
    unit++;
  }
  return `${size < 9.95 ? size.toFixed(1) : Math.round(size)} ${UNITS[unit]}`;
}
