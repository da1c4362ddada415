/** The folder that nginx and xgi both serve. All files have the same time, so that the dates of the requests can be written down. */
import { execFileSync } from 'node:child_process';
import { chmodSync, lutimesSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { StaticFolder } from '../static-folder.js';

/** In the middle of a second: HTTP has no parts of it (RFC 9110 section 5.6.7). */
const MODIFIED_SECONDS = Date.UTC(2020, 0, 1, 12) / 1000 + 0.5;

export const SMALL = { target: '/text.txt', size: 1000 } as const;
/** Of more than what xgi keeps in memory. */
export const LARGE = { target: '/large.txt', size: 400_000 } as const;

/** By ending, what the file `name.ENDING` is asked for. */
export const ENDINGS = [
  ...[
    'html',
    'htm',
    'xhtml',
    'css',
    'js',
    'mjs',
    'json',
    'map',
    'xml',
    'rss',
    'atom',
    'txt',
    'csv',
    'md',
    'ics',
  ],
  ...['png', 'jpg', 'jpeg', 'gif', 'svg', 'svgz', 'webp', 'avif', 'ico', 'bmp', 'tiff'],
  ...[
    'woff',
    'woff2',
    'ttf',
    'otf',
    'eot',
    'pdf',
    'zip',
    'gz',
    'tar',
    '7z',
    'rar',
    'jar',
    'wasm',
    'exe',
    'bin',
  ],
  ...[
    'mp3',
    'mp4',
    'webm',
    'ogg',
    'wav',
    'mpeg',
    'm3u8',
    'ts',
    'docx',
    'xlsx',
    'webmanifest',
    'yaml',
    'toml',
  ],
  ...['HTML', 'Css', 'tar.gz', 'unknown', 'html.unknown'],
] as const;

export function makeSite(): StaticFolder {
  const folder = new StaticFolder({
    ...Object.fromEntries(ENDINGS.map((ending) => [`types/name.${ending}`, ending])),
    'types/html': 'no ending',
    'index.html': 'the index',
    'text.txt': content(SMALL.size),
    'large.txt': content(LARGE.size),
    'empty.txt': '',
    'sub/index.html': 'the index of sub',
    'sub/text.txt': 'text in sub',
    'bare/text.txt': 'text in bare',
    'hollow/index.html/text.txt': 'text in a folder that is named as an index',
    '.hidden': 'hidden',
    '.hid/text.txt': 'hidden',
    '.well-known/text.txt': 'well known',
    'gr\u00fc\u00dfe.txt': 'umlaut',
    'a b.txt': 'space',
    'a+b;c=d&e.txt': 'signs',
    '100%.txt': 'percent',
    'coded.js': content(1000),
    'coded.js.gz': 'coded.js as gzip',
    'large.js': content(LARGE.size),
    'large.js.gz': content(300_000),
    'all.css': content(1000),
    'all.css.gz': 'all.css as gzip',
    'all.css.br': 'all.css as brotli',
    'all.css.zst': 'all.css as zstd',
    'only.js.gz': 'only as gzip',
    'coded/index.html': 'the index of coded',
    'coded/index.html.gz': 'the index of coded as gzip',
    'locked.txt': 'nobody may read this, but for root',
    '../outside.txt': 'outside',
    '../outside/text.txt': 'text outside',
  });
  folder.link('link.txt', 'text.txt');
  folder.link('linked', 'sub');
  folder.link('out.txt', '../outside.txt');
  folder.link('out', '../outside');
  folder.link('dangling.txt', 'nowhere');
  folder.link('loop.txt', 'loop.txt');
  execFileSync('mkfifo', [path.join(folder.root, 'pipe.txt')]);
  for (const name of readdirSync(folder.directory, { recursive: true, encoding: 'utf8' }))
    lutimesSync(path.join(folder.directory, name), MODIFIED_SECONDS, MODIFIED_SECONDS);
  chmodSync(path.join(folder.root, 'locked.txt'), 0);
  return folder;
}

/** No two parts of it are alike. */
function content(size: number): string {
  return Array.from({ length: Math.ceil(size / 8) }, (_, i) => `${i}`.padStart(7, '.') + '\n')
    .join('')
    .slice(0, size);
}
