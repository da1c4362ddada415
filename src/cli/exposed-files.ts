/**
 * Folders of static files and programs that show more than was meant: the wrong folder, or files in it that are for nobody.
 *
 * By names, mostly: what is in a file is not read, but for the first bytes of what may be a private key.
 */
import { accessSync, closeSync, constants, openSync, readSync } from 'node:fs';
import { homedir } from 'node:os';
import path from 'node:path';
import type { ResolvedConfig } from '../config/resolve.js';
import { staticFolder } from '../config/static.js';
import { bytesOf, toByteText, toText } from '../gateway/byte-text.js';
import { localUsers } from '../process/accounts.js';
import { isInside } from '../routing/path-resolver.js';
import { siteFolder } from '../service/cgi-application.js';
import { siteOf } from '../service/site-application.js';
import { type FolderEntry, listEntries } from './folder-entries.js';

export interface ExposureOptions {
  /** Absolute; undefined if there is none. */
  readonly configFile: string | undefined;
}

/** Files that are named in one warning. */
const MAX_NAMED = 3;

/** Folders of the system: nobody means to publish one as a whole. */
const SYSTEM_FOLDERS = new Set(
  '/ /bin /boot /dev /etc /home /lib /mnt /opt /proc /root /run /sbin /srv /sys /tmp /usr /var /var/lib /var/log'.split(
    ' ',
  ),
);

/** What a project has in it, and a folder that was made to be published has not. */
const PROJECT_NAMES = /^(?:\.git|\.hg|\.svn|\.env(?:\..*)?|node_modules|__pycache__|\.venv|venv)$/;

const UNINTERESTING_FOLDERS = new Set([
  'node_modules',
  '__pycache__',
  '.git',
  '.hg',
  '.svn',
  'venv',
  '.venv',
]);

/** What is sent to whoever asks, by kind. */
const KINDS: readonly (readonly [what: string, names: RegExp])[] = [
  ['source code', /\.(?:py|pyc|php\d?|phtml|rb|pl|pm|cgi|jsp|aspx?)$/i],
  ['databases and backups', /\.(?:sqlite3?|db|sql|dump|bak|old|orig|swp|kdbx)$|~$/i],
  [
    'configuration',
    /^(?:xgi\.config\.\w+|docker-compose\.ya?ml|dockerfile|requirements.*\.txt|pyproject\.toml|package(?:-lock)?\.json|web\.config|.*\.(?:ini|conf|cfg))$/i,
  ],
  [
    'passwords',
    /^(?:htpasswd|htdigest|.*\.htpasswd|(?:credentials|secrets?)(?:\.(?:json|ya?ml|toml|txt))?)$/i,
  ],
];
const MAY_BE_KEY = /\.(?:pem|key|p12|pfx|jks)$|^id_(?:rsa|dsa|ecdsa|ed25519)$/i;

/** A sentence for each, with its code. To be called as the user that serves them. */
export function findExposures(config: ResolvedConfig, options: ExposureOptions): string[] {
  const apps = [...siteOf(config).apps];
  return apps.flatMap(([name, app]) => {
    const called = name === '' ? '' : `${name}: `;
    const problems = app.files !== null ? lookAtFiles(app, config, options) : lookAtPrograms(app);
    return problems.map(([code, text]) => `${code}: ${called}${text}`);
  });
}

type Problem = readonly [code: string, text: string];

function lookAtPrograms({ cgi }: ResolvedConfig): Problem[] {
  if (cgi === null || cgi.site.kind === 'program') return [];
  const why = whyWide(siteFolder(cgi));
  return why === undefined
    ? []
    : [
        [
          'XGI_CGI_ROOT_WIDE',
          `${siteFolder(cgi)} is ${why}: every executable file below it can be run by whoever asks; serve a folder that holds the programs alone`,
        ],
      ];
}

function lookAtFiles(
  app: ResolvedConfig,
  config: ResolvedConfig,
  { configFile }: ExposureOptions,
): Problem[] {
  const root = staticFolder(app.files!);
  const why = whyWide(root);
  if (why !== undefined)
    return [
      [
        'XGI_STATIC_ROOT_WIDE',
        `${root} is ${why}: all that can be read below it is sent to whoever asks; serve a folder that holds what is meant for everybody alone`,
      ],
    ];
  return [...lookAtNeighbours(root, config, configFile), ...lookBelow(root)];
}

/** What this very configuration has below a folder of files. */
function lookAtNeighbours(root: string, config: ResolvedConfig, configFile: string | undefined): Problem[] {
  const { tls, accessLog } = config;
  const keys = (tls?.certificates ?? []).map(({ keyFile }) => ['the private key', keyFile] as const);
  const apps = [...siteOf(config).apps.values()].flatMap((app): (readonly [string, string])[] => {
    if (app.files !== null) return [];
    return app.cgi === null
      ? [[`the application ${app.target}`, app.module === null ? app.directory : path.dirname(app.module)]]
      : [['a folder of CGI programs, whose source could be read,', siteFolder(app.cgi)]];
  });
  const all = [
    ...(configFile === undefined ? [] : [['the configuration file', configFile] as const]),
    ...keys,
    ...(accessLog.file === null || accessLog.file === '-'
      ? []
      : [['the access log', accessLog.file] as const]),
    ...apps,
  ];
  return all
    .filter(([, file]) => isInside(root, file))
    .map(([what, file]): Problem => [
      'XGI_STATIC_EXPOSED',
      `${what} ${file} lies below ${root}, which is served as static files: move one of them`,
    ]);
}

function lookBelow(root: string): Problem[] {
  const entries = listEntries(
    toByteText(root),
    ({ name }) => !name.startsWith('.') && !UNINTERESTING_FOLDERS.has(name),
  );
  const named = (found: readonly FolderEntry[]): string => {
    const names = found.slice(0, MAX_NAMED).map((entry) => path.relative(root, toText(entry.path)));
    return names.join(', ') + (found.length > names.length ? ` and ${found.length - names.length} more` : '');
  };
  const problems: Problem[] = [];
  const project = entries.filter(({ name }) => PROJECT_NAMES.test(name));
  if (project.length > 0)
    problems.push([
      'XGI_STATIC_PROJECT',
      `${root} looks like the folder of a project, with ${named(project)}: names that begin with a dot are never sent, but all else is; serve a folder that holds what is meant for everybody alone`,
    ]);
  // What begins with a dot is not served.
  const files = entries.filter(({ name, kind }) => kind === 'file' && !name.startsWith('.'));
  for (const [what, names] of KINDS) {
    const found = files.filter(({ name }) => names.test(name));
    if (found.length > 0)
      problems.push([
        'XGI_STATIC_EXPOSED',
        `${what} would be sent to whoever asks, from ${root}: ${named(found)}; move it to another folder`,
      ]);
  }
  const keys = files.filter(({ name, path: file }) => MAY_BE_KEY.test(name) && isKey(name, file));
  if (keys.length > 0)
    problems.push([
      'XGI_STATIC_EXPOSED',
      `private keys would be sent to whoever asks, from ${root}: ${named(keys)}; move them to another folder, and have new ones made if it was served before`,
    ]);
  const unreadable = files.filter(({ path: file }) => !isReadable(file));
  if (unreadable.length > 0)
    problems.push([
      'XGI_STATIC_UNREADABLE',
      `user ${process.geteuid!()} may not read, in ${root}: ${named(unreadable)}; they are answered with an error: chmod o+r, or give them to that user`,
    ]);
  return problems;
}

/** Why a folder is more than anybody means to publish; undefined if it may be meant. */
function whyWide(folder: string): string | undefined {
  if (folder === '/') return 'the whole file system';
  if (SYSTEM_FOLDERS.has(folder)) return 'a folder of the system';
  const homes = [homedir(), ...localUsers().map(({ home }) => home)];
  // Accounts of services have their folder of data as a home: /var/www, say.
  const isHome =
    folder === homedir() || (homes.includes(folder) && /^\/(?:home|root|Users)(?:\/|$)/.test(folder));
  return isHome ? 'the home of a user' : undefined;
}

/** In binary form, by its name alone. */
function isKey(name: string, file: string): boolean {
  return /\.(?:p12|pfx|jks)$/i.test(name) || readHead(file).includes('PRIVATE KEY-----');
}

function readHead(file: string): string {
  try {
    const fd = openSync(bytesOf(file), 'r');
    try {
      const head = Buffer.alloc(16_384);
      return head.toString('latin1', 0, readSync(fd, head));
    } finally {
      closeSync(fd);
    }
  } catch {
    return '';
  }
}

function isReadable(file: string): boolean {
  try {
    accessSync(bytesOf(file), constants.R_OK);
    return true;
  } catch {
    return false;
  }
}
