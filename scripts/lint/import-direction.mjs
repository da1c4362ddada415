/**
 * The import direction of `src/`, as an oxlint rule: what each folder may import from the others.
 *
 * It is an allow-list, so a folder added later imports nothing until it has a row here. Type-only
 * imports count like any other: a type names its module just as well as a value does. Imports of
 * packages and of Node's own modules are not this rule's business.
 */
import path from 'node:path';

/** Contract and error codes: every module may name these two files. */
const CONTRACT = ['errors', 'types'];

/** Sans-I/O modules: semantics and codecs that know no socket and no process. */
const PURE = ['http', 'wire', 'gateway'];

/** Anybody may publish telemetry; subscribing is the business of `cli`. */
const TELEMETRY = ['observe'];

/** What reaches a program: worker pools, and clients of other servers. */
const BACKENDS = ['programs', 'transports', 'upstream', 'workers'];

/** Folder (or file directly in `src/`, without extension) → what it may import beside itself. */
const MAY_IMPORT = {
  errors: [],
  types: ['errors', ...PURE],
  http: CONTRACT,
  wire: CONTRACT,
  gateway: CONTRACT,
  observe: [...CONTRACT, ...PURE],
  io: CONTRACT,
  places: CONTRACT,
  bodies: CONTRACT,
  process: [...CONTRACT, ...TELEMETRY],
  config: [...CONTRACT, ...PURE, 'io', 'routing'],
  routing: [...CONTRACT, ...PURE],
  upstream: [...CONTRACT, ...PURE, ...TELEMETRY],
  transports: [...CONTRACT, ...PURE, ...TELEMETRY, 'upstream'],
  programs: [...CONTRACT, ...PURE, ...TELEMETRY, 'io', 'places', 'process', 'workers'],
  workers: [...CONTRACT, ...PURE, ...TELEMETRY, 'io', 'process'],
  handlers: [...CONTRACT, ...PURE, ...TELEMETRY, ...BACKENDS, 'bodies', 'places', 'process', 'routing'],
  middleware: [...CONTRACT, ...PURE, ...TELEMETRY, ...BACKENDS, 'bodies', 'config', 'places', 'routing'],
  adapters: [...CONTRACT, ...PURE, 'bodies', 'routing', 'server'],
  server: [...CONTRACT, ...PURE, ...TELEMETRY, 'bodies', 'io', 'process'],
};

/** These compose the rest and may import everything; nothing else imports them. `service` composes what runs, `cli` steers it, `library` gives it to programs. */
const COMPOSERS = ['cli', 'index', 'library', 'service'];

/** The unit (folder, or root file without extension) that a path relative to `src/` belongs to. */
function unitOf(relative) {
  const [first = ''] = relative.split('/');
  return first.replace(/\.[cm]?[jt]s$/, '');
}

const importDirection = {
  meta: { type: 'problem', docs: { description: 'keep imports in src/ pointing towards the contract' } },
  create(context) {
    const parts = context.filename.split(path.sep).join('/').split('/src/');
    const root = parts.slice(0, -1).join('/src/') + '/src';
    const file = parts.at(-1) ?? '';
    const from = unitOf(file);

    const check = (node) => {
      const specifier = node.source?.value;
      if (typeof specifier !== 'string' || !specifier.startsWith('.')) return;
      const target = path.posix.relative(root, path.posix.resolve(root, path.posix.dirname(file), specifier));
      const to = unitOf(target);
      if (to === from) return;
      if (target.startsWith('..')) {
        // The one file outside src/ that the built program reads, from dist/ as from src/.
        if (target === '../package.json' && COMPOSERS.includes(from)) return;
        context.report({ node: node.source, message: `${specifier} leaves src/` });
      } else if (COMPOSERS.includes(to) && !(to !== 'cli' && COMPOSERS.includes(from))) {
        context.report({ node: node.source, message: `nothing may import src/${to}` });
      } else if (!COMPOSERS.includes(from) && !(MAY_IMPORT[from] ?? []).includes(to)) {
        const allowed = MAY_IMPORT[from]?.join(', ') || 'nothing outside itself';
        const message = `src/${from} must not import src/${to}; it may import: ${allowed} (ARCHITECTURE.md)`;
        context.report({ node: node.source, message });
      }
    };
    return {
      ImportDeclaration: check,
      ExportNamedDeclaration: check,
      ExportAllDeclaration: check,
      ImportExpression: check,
      TSImportType: (node) => check({ source: node.source ?? node.argument?.literal ?? node.argument }),
    };
  },
};

export default { meta: { name: 'xgi' }, rules: { 'import-direction': importDirection } };
