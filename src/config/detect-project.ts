/**
 * What a folder without a configuration file serves: settings, as a file would have them, and why.
 *
 *     manage.py, wsgi.py, app.py    a WSGI application, and its static files
 *     app.ts, server.js …           else a TypeScript application
 *     cgi-bin/                      CGI programs at /cgi-bin; a folder with *.cgi in it is one
 *     dist/, public/, index.html    static files; an application is asked for what they do not have
 *
 * Nothing is served that was not meant to be: no folder with sources in it, no link that leads elsewhere, no dot files.
 */
import { readdirSync, statSync } from 'node:fs';
import path from 'node:path';
import { ConfigError } from '../errors.js';
import { holdsPrograms } from './detect.js';
import { findFiles } from './detect-files.js';
import { isFolder, liesBelow } from './detect-folder.js';
import { type Asking, findPython } from './detect-python.js';
import { findTypescript } from './detect-typescript.js';
import type { UserConfig } from './schema.js';

export type AppSettings = NonNullable<UserConfig['apps']>[string];

type UserRoute = NonNullable<UserConfig['routes']>[number];

/** `use` is what becomes of what was found. */
export interface Note {
  /** `manage.py`, `public/` */
  readonly found: string;
  readonly use: string;
}

/** Something that is served. */
export interface Part extends Note {
  /** In `apps`. */
  readonly name: string;
  /** Paths are relative to the project, or absolute. */
  readonly app: AppSettings;
}

export interface Found {
  readonly part?: Part;
  readonly notes: readonly Note[];
}

export interface Detection {
  /** Absolute; what relative paths are relative to. */
  readonly folder: string;
  /** With a target, or with apps and routes. */
  readonly config: UserConfig;
  /** At least one. */
  readonly parts: readonly Part[];
  /** What was passed over, and what else there is to know. */
  readonly notes: readonly Note[];
}

const LOOKED_FOR = [
  'manage.py, wsgi.py or app.py (WSGI)',
  'cgi-bin/ or *.cgi (CGI)',
  'public/, dist/index.html or index.html (static files)',
  'app.ts, server.ts or index.ts (or .js) with a default export (TypeScript)',
];

/**
 * @param folder absolute
 * @param asking is called if there is a Python application to be asked
 * @throws ConfigError `XGI_DETECT_NOTHING`, `XGI_DETECT_FOLDER`
 */
export async function detectProject(folder: string, asking: () => Promise<Asking>): Promise<Detection> {
  checkReadable(folder);
  const python = await findPython(folder, asking);
  const typescript = findTypescript(folder);
  const web = python.part ?? typescript.part;
  const files = findFiles(folder);
  const programs = findPrograms(folder, web ?? files.part);
  const isAlone = web === undefined && programs.part === undefined;
  // A folder is served as a whole only if there is nothing but files in it.
  const shown = isAlone || files.part?.app.target !== '.' ? files.part : undefined;
  const notes = [...python.notes, ...typescript.notes, ...programs.notes, ...files.notes];
  if (python.part !== undefined && typescript.part !== undefined)
    notes.push({ found: typescript.part.found, use: `passed over, as ${python.part.found} answers` });
  const statics = [...python.statics.values()].flat();
  const parts = [web, ...statics, programs.part, shown].filter((part) => part !== undefined);
  if (parts.length === 0) throw nothingFound(folder, notes);
  if (parts.length === 1) return { folder, config: alone(parts[0]!), parts, notes };
  const routes: UserRoute[] = [
    ...[...python.statics].map(([url, some]) => ({ path: url, app: namesOf(some) })),
    ...(programs.part === undefined ? [] : [{ path: CGI_PATH, app: programs.part.name }]),
    ...(shown === undefined && web === undefined
      ? []
      : [{ app: namesOf([shown, web].filter((part) => part !== undefined)) }]),
  ];
  const apps = Object.fromEntries(parts.map(({ name, app }) => [name, app]));
  return { folder, config: { apps, routes }, parts, notes };
}

const CGI_PATH = '/cgi-bin';

function alone({ app }: Part): UserConfig {
  return app.kind === 'cgi' && app.target !== '.' ? { ...app, mount: CGI_PATH } : app;
}

function namesOf(parts: readonly Part[]): string | [string, ...string[]] {
  const [first, ...others] = parts.map(({ name }) => name);
  return others.length === 0 ? first! : [first!, ...others];
}

/** @param other that is served; the folder as a whole then is none of programs */
function findPrograms(project: string, other: Part | undefined): Found {
  const folder = path.join(project, 'cgi-bin');
  if (isFolder(folder)) {
    if (!liesBelow(folder, project))
      return {
        notes: [{ found: 'cgi-bin/', use: 'passed over: it is a link that leads out of this folder' }],
      };
    return {
      part: {
        name: 'cgi-bin',
        app: { kind: 'cgi', target: './cgi-bin' },
        found: 'cgi-bin/',
        use: `CGI programs at ${CGI_PATH}`,
      },
      notes: [],
    };
  }
  if (other !== undefined || !holdsPrograms(project, statSync(project))) return { notes: [] };
  return {
    part: { name: 'programs', app: { kind: 'cgi', target: '.' }, found: '*.cgi', use: 'CGI programs' },
    notes: [],
  };
}

function checkReadable(folder: string): void {
  try {
    readdirSync(folder);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const reason = code === 'EACCES' ? 'this user may not read it' : message;
    throw new ConfigError(
      'XGI_DETECT_FOLDER',
      `it cannot be found out what is to be served in ${folder}: ${reason}; name it: xgi TARGET`,
    );
  }
}

function nothingFound(folder: string, notes: readonly Note[]): ConfigError {
  const passed = notes.map(({ found, use }) => `\n  ${found}: ${use}`).join('');
  return new ConfigError(
    'XGI_DETECT_NOTHING',
    `there is nothing to serve in ${folder}; looked for ${LOOKED_FOR.join(', ')}${passed === '' ? '.' : `; found${passed}\n`}` +
      ' Say what is served: xgi TARGET, for example xgi wsgi:app, xgi cgi DIR or xgi static DIR; or write it into xgi.config.yaml; xgi --help lists the flags',
  );
}
