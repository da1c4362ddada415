/** WSGI applications of a project: Django by its `manage.py`, else `wsgi.py`, else `app.py`; and their static files, which xgi serves itself. */
import path from 'node:path';
import { parsePathPattern } from '../routing/path-pattern.js';
import { type Answer, askPython, type AskedStatic, type Question } from './detect-ask.js';
import { holdsProject, isFile, isFolder, readText, writtenFrom } from './detect-folder.js';
import type { Found, Note, Part } from './detect-project.js';

export interface FoundPython extends Found {
  /** Path → what is asked for a file, one after the other. */
  readonly statics: ReadonlyMap<string, readonly Part[]>;
}

/** How an application can be asked; null where nothing may be run: as root, without a user to run it as. */
export type Asking = Omit<Question, 'kind' | 'name' | 'directory'> | null;

const SETTINGS = /DJANGO_SETTINGS_MODULE['"]\s*,\s*['"]([\w.]+)['"]/;
/** Makes the application of the settings, for a project that has no module with one. */
const DJANGO_FACTORY = 'django.core.wsgi:get_wsgi_application()';
const NOBODY_ASKED: Answer = {
  target: null,
  framework: null,
  error: 'it may not be run as root; see --user and --allow-root',
  static: [],
  uncollected: false,
};

/** @param asking is called when there is something to be asked */
export async function findPython(project: string, asking: () => Promise<Asking>): Promise<FoundPython> {
  const settings = SETTINGS.exec(readText(path.join(project, 'manage.py')) ?? '')?.[1];
  if (settings !== undefined) return await findDjango(project, settings, await asking());
  const notes: Note[] = [];
  for (const file of ['wsgi.py', 'app.py']) {
    const source = readText(path.join(project, file));
    if (source === undefined) continue;
    const found = await findModule(project, { file, source }, await asking());
    if (found.part !== undefined) return { ...found, notes: [...notes, ...found.notes] };
    notes.push(...found.notes);
  }
  return { statics: new Map(), notes };
}

async function findDjango(project: string, settings: string, asking: Asking): Promise<FoundPython> {
  const answer = await ask(project, { kind: 'django', name: settings }, asking);
  const target = answer.target ?? guessDjango(project, settings);
  const use = `${answer.framework ?? 'Django'}, settings ${settings}: WSGI application ${target}`;
  const part: Part = {
    name: 'web',
    app: target === DJANGO_FACTORY ? { target, env: [`DJANGO_SETTINGS_MODULE=${settings}`] } : { target },
    found: 'manage.py',
    use,
  };
  const { statics, notes } = readStatics(project, answer);
  if (answer.error !== null)
    notes.push({
      found: 'manage.py',
      use: `its static files are not served by xgi, for Django could not be asked: ${answer.error}`,
    });
  else if (statics.size > 0 && answer.uncollected)
    notes.push({
      found: 'manage.py',
      use: 'its static files are served from where each app has them; if STATIC_ROOT is set, collectstatic gathers them there',
    });
  return { part, statics, notes };
}

/** By the usual place: `wsgi.py` beside the settings, or above. */
function guessDjango(project: string, settings: string): string {
  const packages = settings.split('.').slice(0, -1);
  for (let depth = packages.length; depth > 0; depth -= 1) {
    const module = [...packages.slice(0, depth), 'wsgi'];
    if (isFile(path.join(project, `${module.join('/')}.py`))) return `${module.join('.')}:application`;
  }
  return DJANGO_FACTORY;
}

async function findModule(
  project: string,
  { file, source }: { file: string; source: string },
  asking: Asking,
): Promise<FoundPython> {
  const module = file.slice(0, -'.py'.length);
  const answer = await ask(project, { kind: 'wsgi', name: module }, asking);
  const name = nameOf(answer) ?? guessCallable(source);
  if (name === undefined && answer.error === null)
    return {
      statics: new Map(),
      notes: [{ found: file, use: 'passed over: it has no application, app, create_app or make_app' }],
    };
  // It could be anything: the worker will tell.
  const target = name === undefined ? module : `${module}:${name}`;
  const what = answer.framework === null ? 'WSGI application' : `WSGI application (${answer.framework})`;
  const part: Part = { name: 'web', app: { target }, found: file, use: `${what} ${target}` };
  const { statics, notes } =
    answer.error === null ? readStatics(project, answer) : guessFlask(project, source);
  if (answer.error !== null)
    notes.unshift({ found: file, use: `read only, as it could not be loaded: ${answer.error}` });
  return { part, statics, notes };
}

function nameOf({ target }: Answer): string | undefined {
  return target?.slice(target.indexOf(':') + 1);
}

function guessCallable(source: string): string | undefined {
  const name = ['application', 'app'].find((one) =>
    new RegExp(String.raw`^(?:def\s+${one}\b|${one}\s*[:=]|(?:from|import)\b.*\b${one}\s*$)`, 'm').test(
      source,
    ),
  );
  if (name !== undefined) return name;
  const factory = ['create_app', 'make_app'].find((one) =>
    new RegExp(String.raw`^def\s+${one}\b`, 'm').test(source),
  );
  return factory === undefined ? undefined : `${factory}()`;
}

/** Flask's defaults, for one that cannot be loaded. */
function guessFlask(project: string, source: string): ReturnType<typeof readStatics> {
  const isUsual = /\bFlask\(/.test(source) && !/\bstatic_(?:folder|url_path)\b/.test(source);
  const folder = path.join(project, 'static');
  const found = isUsual && isFolder(folder) ? [{ url: '/static', folder, label: '' }] : [];
  return readStatics(project, { ...NOBODY_ASKED, static: found });
}

async function ask(project: string, what: Pick<Question, 'kind' | 'name'>, asking: Asking): Promise<Answer> {
  return asking === null ? NOBODY_ASKED : await askPython({ ...asking, ...what, directory: project });
}

/** Folders that do not exist are left out, as the frameworks do. */
function readStatics(
  project: string,
  answer: Answer,
): { statics: Map<string, readonly Part[]>; notes: Note[] } {
  const statics = new Map<string, readonly Part[]>();
  const notes: Note[] = [];
  const names = new Set<string>();
  for (const asked of answer.static) {
    if (!isFolder(asked.folder)) continue;
    const url = `/${asked.url.replaceAll(/^\/+|\/+$/g, '')}`;
    const reason = whyNot(project, url, asked);
    const found = writtenFrom(project, asked.folder);
    if (reason !== undefined) {
      notes.push({ found, use: `left to the application: ${reason}` });
      continue;
    }
    const part: Part = {
      name: freeName(asked.label === '' ? 'static' : `static-${asked.label}`, names),
      app: { kind: 'static', target: found },
      ...(asked.label === ''
        ? { found, use: `static files at ${url}` }
        : { found: asked.label, use: `its static files at ${url}: ${found}` }),
    };
    statics.set(url, [...(statics.get(url) ?? []), part]);
  }
  return { statics, notes };
}

function whyNot(project: string, url: string, { url: written, folder }: AskedStatic): string | undefined {
  const pattern = /^(?:[a-z]+:)?\/\//i.test(written) ? undefined : parsePathPattern(url);
  if (pattern?.end !== 'prefix' || pattern.segments.length === 0) return `${written} is no path of its own`;
  return holdsProject(folder, project) ? 'the whole project would be public' : undefined;
}

function freeName(wanted: string, taken: Set<string>): string {
  let name = wanted;
  for (let i = 2; taken.has(name); i += 1) name = `${wanted}-${i}`;
  taken.add(name);
  return name;
}
