/** Middleware in an order in which some of it does nothing, or not what it is for. It would serve: what is found are warnings. */
import type { MiddlewareEntry } from '../config/middleware.js';
import type { ReadyName } from '../config/middleware/ready.js';
import type { ResolvedConfig } from '../config/resolve.js';
import { siteOf } from '../service/site-application.js';

/** `first` is not to stand in front of `second`. */
interface Rule {
  readonly first: readonly ReadyName[];
  readonly second: readonly ReadyName[];
  readonly why: (first: string, second: string) => string;
}

const AUTHENTICATING: readonly ReadyName[] = ['basicAuth', 'bearer', 'forwardAuth'];

const RULES: readonly Rule[] = [
  {
    first: ['injectHtml', 'xslt'],
    second: ['compression'],
    why: (first, second) =>
      `${first} finds answers compressed, and leaves them as they are; write it behind ${second}`,
  },
  {
    first: ['cache'],
    second: [...AUTHENTICATING, 'ip'],
    why: (first, second) => `${second} is not asked about what ${first} has kept; write ${first} behind it`,
  },
  {
    first: ['cache'],
    second: ['requestId', 'rateLimit'],
    why: (first, second) =>
      `${first} keeps what ${second} says in an answer, and gives it to others; write ${first} behind it`,
  },
  {
    first: AUTHENTICATING,
    second: ['cors'],
    why: (first, second) =>
      `${first} refuses preflights, which have no credentials, before ${second} can answer them; write ${first} behind it`,
  },
];

/** @returns warnings, each with its code */
export function findOrderMistakes(config: ResolvedConfig): readonly string[] {
  const mistakes = chainsOf(config).flatMap((chain) => [
    ...wrongPairs(chain),
    ...uncountedUsers(chain),
    ...personalDefaults(chain),
  ]);
  // What stands in front of several routes is found with each.
  return [...new Set(mistakes)].map((mistake) => `XGI_MIDDLEWARE_ORDER: ${mistake}`);
}

/** For each way through the site, what a request passes, the outermost first. */
function chainsOf(config: ResolvedConfig): readonly (readonly MiddlewareEntry[])[] {
  const { apps, routes } = siteOf(config);
  return routes.flatMap(({ action, middleware }) => {
    const front = [...config.middleware, ...middleware];
    const names = action.kind === 'app' ? [...action.files, action.app] : [];
    // One that has no name has no middleware but the server's.
    const ofApps = names.map((name) => (name === '' ? [] : apps.get(name)!.middleware));
    return ofApps.length === 0 ? [front] : ofApps.map((own) => [...front, ...own]);
  });
}

function wrongPairs(chain: readonly MiddlewareEntry[]): string[] {
  return chain.flatMap((entry, i) =>
    RULES.flatMap(({ first, second, why }) => {
      const behind = isOneOf(entry, first)
        ? chain.slice(i + 1).find((other) => isOneOf(other, second))
        : undefined;
      return behind === undefined ? [] : [`${entry.where}: ${why(nameOf(entry), nameOf(behind))}`];
    }),
  );
}

/** What is not ready may authenticate. */
function uncountedUsers(chain: readonly MiddlewareEntry[]): string[] {
  const known = chain.findIndex((entry) => entry.kind !== 'ready' || isOneOf(entry, AUTHENTICATING));
  return chain
    .slice(0, known === -1 ? undefined : known)
    .filter(
      (entry) => isOneOf(entry, ['rateLimit']) && (entry.options as { readonly by?: unknown }).by === 'user',
    )
    .map(
      ({ where }) =>
        `${where}: rateLimit is to count by user, and counts by address, as nothing in front of it says who the user is; write it behind ${AUTHENTICATING.join(', ')} or middleware of your own that does`,
    );
}

/** For who has logged in, the cache keeps what says that it is for all, and nothing else. */
function personalDefaults(chain: readonly MiddlewareEntry[]): string[] {
  const known = chain.find((entry) => isOneOf(entry, AUTHENTICATING));
  return (known === undefined ? [] : chain.slice(chain.indexOf(known)))
    .filter(
      (entry) =>
        isOneOf(entry, ['cache']) &&
        (entry.options as { readonly defaultTtl?: unknown }).defaultTtl !== undefined,
    )
    .map(
      ({ where }) =>
        `${where}: cache.defaultTtl keeps nothing behind ${nameOf(known!)}, as an answer to somebody who has logged in may be for nobody else; let the application say Cache-Control: public, max-age=…`,
    );
}

function isOneOf(
  entry: MiddlewareEntry,
  names: readonly ReadyName[],
): entry is MiddlewareEntry & { readonly kind: 'ready' } {
  return entry.kind === 'ready' && names.includes(entry.name);
}

function nameOf(entry: MiddlewareEntry): string {
  return entry.kind === 'ready' ? entry.name : entry.where;
}
