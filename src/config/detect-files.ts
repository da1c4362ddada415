/** Static files of a project: `dist/`, `public/`, or a folder that is nothing but a site. */
import { readdirSync } from 'node:fs';
import { homedir } from 'node:os';
import path from 'node:path';
import { isFile, isFolder, liesBelow } from './detect-folder.js';
import type { Found } from './detect-project.js';

/** What a folder with an index.html has in it if it is more than a site. Dot files are never served, so they do not count. */
const NOT_FOR_PUBLICATION: readonly RegExp[] = [
  /^(?:node_modules|vendor|venv|cgi-bin|__pycache__|src)$/,
  /^(?:package(?:-lock)?|composer|tsconfig)\.json$/,
  /^(?:requirements.*\.txt|pyproject\.toml|Pipfile|Gemfile|Makefile|Dockerfile|Procfile)$/,
  /^(?:docker-)?compose.*\.ya?ml$/,
  /^xgi\.config\./,
  /\.(?:py|php|rb|pl|cgi|sh|tsx?|jsx|go|rs|java)$/,
  /\.(?:pem|key|p12|pfx|kdbx|env|ini|conf|cfg|sqlite3?|db|sql|dump|bak|log)$/,
];

/** The folder whose files are published; notes tell what was passed over. */
export function findFiles(project: string): Found {
  const dist = inspect(project, 'dist', (folder) => isFile(path.join(folder, 'index.html')));
  const open = inspect(project, 'public', () => true);
  const notes = [...dist.notes, ...open.notes];
  const index = isFile(path.join(project, 'index.html'));
  if (dist.part !== undefined) {
    // An index.html outside is what it is built from, too.
    if (open.part !== undefined)
      notes.push({ found: 'public/', use: 'passed over, as it is built into dist/' });
    return { part: dist.part, notes };
  }
  if (open.part !== undefined) {
    if (index) notes.push({ found: 'index.html', use: 'passed over, as public/ is what is served' });
    return { part: open.part, notes };
  }
  if (!index) return { notes };
  const reason = whyNotPublic(project);
  if (reason !== undefined)
    return { notes: [...notes, { found: 'index.html', use: `passed over: ${reason}` }] };
  return {
    part: {
      name: 'files',
      app: { kind: 'static', target: '.' },
      found: 'index.html',
      use: 'static files: this folder',
    },
    notes,
  };
}

function inspect(project: string, name: string, isSite: (folder: string) => boolean): Found {
  const folder = path.join(project, name);
  if (!isFolder(folder) || !isSite(folder)) return { notes: [] };
  if (!liesBelow(folder, project))
    return { notes: [{ found: `${name}/`, use: 'passed over: it is a link that leads out of this folder' }] };
  return {
    part: {
      name,
      app: { kind: 'static', target: `./${name}` },
      found: `${name}/`,
      use: 'static files',
    },
    notes: [],
  };
}

/** Why the files of a whole folder are not served without a word; undefined if they may be. */
function whyNotPublic(project: string): string | undefined {
  if (project === '/' || project === homedir()) return 'everything in this folder would be public';
  const source = readdirSync(project).find(
    (name) => !name.startsWith('.') && NOT_FOR_PUBLICATION.some((form) => form.test(name)),
  );
  if (source === undefined) return undefined;
  return `${source} beside it would be public too; move what is public into public/, or write xgi static ${project}`;
}
