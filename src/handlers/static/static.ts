/**
 * The static handler: a request's path names a file, which is sent.
 *
 *  1. What was asked for within the last half second, under the same path as the client wrote it, is answered from memory without
 *     asking the disk.
 *  2. Else the path is resolved (static-site.ts). What is in memory of that very version is used again; a small file is read into
 *     memory, of a large one parts are read as they are sent.
 *  3. Preconditions and ranges are seen to in one place, for all (file-representation.ts).
 *
 * So an answer is never older than half a second, and what does not exist, or may not be read, is looked for each time.
 */
import { EntryCache } from '../../bodies/entry-cache.js';
import { decodePath } from '../../gateway/decode-path.js';
import { GatewayError } from '../../errors.js';
import { namesMediaType } from '../../http/accept.js';
import { combinedValue } from '../../http/field-values.js';
import { mediaTypeOf } from '../../http/media-types.js';
import { ResponseHead } from '../../http/response-head.js';
import { isInside } from '../../routing/path-resolver.js';
import type { Fields, GatewayRequest, GatewayResponse, Handler, Middleware } from '../../types.js';
import { FileRepresentation } from '../file-representation.js';
import { openFile, type OpenFile, readFile, type ReadFile } from '../open-file.js';
import { redirectToSlash } from '../redirect-to-slash.js';
import { type CacheControl, type CacheControlRule, compileCacheControl } from './cache-control.js';
import { Listings } from './listing.js';
import { chooseVariant, StaticEntry } from './static-entry.js';
import { type FoundFile, type Located, StaticSite, type Variant } from './static-site.js';

export interface StaticHandlerOptions {
  /** The folder: absolute, byte text. If it is a link, it is followed anew with each look at the disk. */
  readonly root: string;
  /** Where it is served: '' for the root, else `/static`. Default ''. */
  readonly mount?: string;
  /** Names of the files that answer for their folder; the first that is there. Default `index.html`. */
  readonly index?: readonly string[];
  /** Whether a folder without an index shows what is in it. Default false: 404. */
  readonly listing?: boolean;
  /** The file, below the root, that answers for pages that there are no files for: `/index.html`. Default none. */
  readonly spa?: string | null;
  /** The first that fits counts. Default none: no Cache-Control. */
  readonly cacheControl?: readonly CacheControlRule[];
  /** Whether `a.js.br`, `a.js.zst` and `a.js.gz` are sent for `a.js` to those who take that coding. Default false. */
  readonly precompressed?: boolean;
  /** By status, the file below the root that is sent with it, if it is there. Default `/404.html` with 404. */
  readonly errorPages?: ReadonlyMap<number, string>;
}

/** Half of what is promised. */
const FRESH_MS = 500;
const MAX_CACHE_BYTES = 67_108_864;
/** Larger files are read as they are sent. */
const MAX_CACHED_FILE_BYTES = 262_144;
const ALLOW = ['Allow', 'GET, HEAD, OPTIONS'];
const METHODS: GatewayResponse = { head: new ResponseHead(204, ALLOW), body: { kind: 'empty' } };

const DEFAULTS: Required<Omit<StaticHandlerOptions, 'root'>> = {
  mount: '',
  index: ['index.html'],
  listing: false,
  spa: null,
  cacheControl: [],
  precompressed: false,
  errorPages: new Map([[404, '/404.html']]),
};

/** Serves the files of a folder. It rejects and throws GatewayErrors: 404 `XGI_STATIC_NOT_FOUND`, 400 or 404 `XGI_STATIC_PATH`, 403 `XGI_STATIC_UNREADABLE`. */
export function createStaticHandler(options: StaticHandlerOptions): Handler {
  const files = new StaticFiles({ ...DEFAULTS, ...options });
  return (request) => files.answer(request, null);
}

/**
 * The same in front of an application: what there is no file for, or what could not be one, is the application's: other methods than GET and HEAD, folders
 * without an index, paths that are refused. Error pages are the application's too.
 */
export function createStaticMiddleware(options: StaticHandlerOptions): Middleware {
  const files = new StaticFiles({ ...DEFAULTS, ...options });
  return (next) => (request) => files.answer(request, next);
}

/** What a request comes down to. */
interface ChosenFile {
  /** Of the cache: the path as the client wrote it, or, for files that the configuration names, what is no path. */
  readonly key: string;
  readonly file: FoundFile;
  /** The fields that this choice depended on. */
  readonly vary: readonly string[];
}

class StaticFiles {
  readonly #options: Required<StaticHandlerOptions>;
  readonly #site: StaticSite;
  readonly #cacheControl: CacheControl;
  /** By path as the client wrote it. */
  readonly #cache = new EntryCache<StaticEntry>(MAX_CACHE_BYTES);
  readonly #listings = new Listings(FRESH_MS);

  constructor(options: Required<StaticHandlerOptions>) {
    this.#options = options;
    this.#site = new StaticSite(options);
    this.#cacheControl = compileCacheControl(options.cacheControl);
  }

  /** @param next who is asked where there is no file; null for nobody */
  answer(request: GatewayRequest, next: Handler | null): GatewayResponse | Promise<GatewayResponse> {
    const { method, path } = request;
    if (method !== 'GET' && method !== 'HEAD') return next?.(request) ?? this.#otherMethod(request);
    const entry = this.#cache.get(path);
    if (entry !== undefined && performance.now() - entry.checkedAtMs < FRESH_MS) {
      entry.used = true;
      const representation = entry.choose(request);
      if (representation !== undefined) return representation.answer(request);
    }
    return this.#look(request, next);
  }

  #otherMethod(request: GatewayRequest): GatewayResponse {
    if (request.method === 'OPTIONS') return METHODS;
    return this.#errorPage(405, ALLOW) ?? plain(405, 'Method Not Allowed', ALLOW);
  }

  #look(request: GatewayRequest, next: Handler | null): GatewayResponse | Promise<GatewayResponse> {
    const path = detached(request.path);
    const located = this.#site.locate(path);
    if (next !== null && !this.#isThere(located)) return next(request);
    switch (located.kind) {
      case 'file':
        return this.#send(request, { key: path, file: located, vary: [] });
      case 'slash':
        return redirectToSlash(request);
      case 'folder':
        if (this.#options.listing) return this.#list(request, located);
        return this.#absent(request, 'it is a folder without an index');
      case 'missing':
        return this.#absent(request, located.reason);
      case 'refused':
        return this.#fail(new GatewayError(located.status, 'XGI_STATIC_PATH', located.reason));
    }
  }

  #isThere(located: Located): boolean {
    if (located.kind === 'folder') return this.#options.listing;
    return (
      located.kind === 'file' || (located.kind === 'slash' && (located.hasIndex || this.#options.listing))
    );
  }

  #list(
    request: GatewayRequest,
    { folder, urlPath }: Extract<Located, { kind: 'folder' }>,
  ): Promise<GatewayResponse> {
    const { root } = this.#site;
    const mount = decodePath(request.mount) + this.#options.mount;
    return this.#listings
      .answer(request, { root, mount, folder, urlPath })
      .catch((error: unknown) => this.#fail(unreadable(error as Error)));
  }

  #send(request: GatewayRequest, chosen: ChosenFile): GatewayResponse | Promise<GatewayResponse> {
    const variant = chooseVariant(request, chosen.file);
    try {
      const representation = this.#inMemory(chosen, variant);
      if (representation !== undefined) return representation.answer(request);
    } catch (error) {
      return this.#sendOther(request, chosen, variant, error as Error);
    }
    return openFile(this.#toOpen(variant)).then(
      (opened) => this.#represent(chosen, variant, opened).answer(request),
      (error: unknown) => this.#sendOther(request, chosen, variant, error as Error),
    );
  }

  /** A compressed form that cannot be read, or has just gone, is as if it were not there. */
  #sendOther(
    request: GatewayRequest,
    chosen: ChosenFile,
    refused: Variant,
    error: Error,
  ): GatewayResponse | Promise<GatewayResponse> {
    if (refused.coding === null) return this.#fail(unreadable(error));
    const [itself, ...others] = chosen.file.variants;
    const left = others.filter((variant) => variant !== refused);
    return this.#send(request, { ...chosen, file: { ...chosen.file, variants: [itself, ...left] } });
  }

  /** From the cache, or put there; undefined if it is too large, or is being written to. */
  #inMemory(chosen: ChosenFile, variant: Variant): FileRepresentation | undefined {
    const { key, file } = chosen;
    const nowMs = performance.now();
    const held = this.#cache.get(key)?.heldOf(file) ?? [];
    let representation = held.find((one) => one.variant.coding === variant.coding)?.representation;
    if (representation === undefined) {
      const read = variant.stats.size <= MAX_CACHED_FILE_BYTES ? readFile(this.#toOpen(variant)) : undefined;
      if (read === undefined || read.bytes.length > MAX_CACHED_FILE_BYTES) return undefined;
      representation = this.#represent(chosen, variant, read);
      held.push({ variant, representation });
    }
    this.#cache.set(key, new StaticEntry(key, file, held, nowMs));
    return representation;
  }

  #toOpen({ real }: Variant): Parameters<typeof openFile>[0] {
    const { root } = this.#site;
    return {
      real,
      checkPlace: (place) => {
        if (!isInside(root, place)) throw new Error('it leads out of the root');
      },
    };
  }

  #represent(
    { file, vary }: ChosenFile,
    { coding }: Variant,
    content: OpenFile | ReadFile,
  ): FileRepresentation {
    const varies = file.variants.length > 1 ? [...vary, 'Accept-Encoding'] : vary;
    const cacheControl = this.#cacheControl(file.urlPath);
    return new FileRepresentation({
      file: content,
      mediaType: mediaTypeOf(file.urlPath),
      vary: varies.length === 0 ? undefined : varies.join(', '),
      fields: cacheControl === undefined ? [] : ['Cache-Control', cacheControl],
      contentFields: coding === null ? [] : ['Content-Encoding', coding],
    });
  }

  /** There is no such file: it may be a page that the application in the browser makes. */
  #absent(request: GatewayRequest, reason: string): GatewayResponse | Promise<GatewayResponse> {
    const { spa } = this.#options;
    const file = spa !== null && mayBePage(request) ? this.#site.named(spa) : undefined;
    if (spa === null || file === undefined) return this.#fail(notFound({ detail: reason }));
    if (wantsPage(request)) return this.#send(request, { key: `spa:${spa}`, file, vary: ['Accept'] });
    return this.#fail(notFound({ detail: reason, fields: ['Vary', 'Accept'] }));
  }

  #fail(error: GatewayError): GatewayResponse {
    const page = this.#errorPage(error.status, error.fields);
    if (page !== undefined) return page;
    throw error;
  }

  #errorPage(status: number, fields: Fields): GatewayResponse | undefined {
    const page = this.#options.errorPages.get(status);
    const file = page === undefined ? undefined : this.#site.named(page);
    if (file === undefined) return undefined;
    const chosen = { key: `error:${page}`, file, vary: [] };
    try {
      return this.#inMemory(chosen, file.variants[0])?.asError(status, fields);
    } catch {
      return undefined;
    }
  }
}

/** The same text on its own: V8 keeps the whole head of a request for as long as there is a part of it, and what is cached may be kept for long. */
function detached(text: string): string {
  return Buffer.from(text).toString();
}

/** Whether the path could be one of the application's: its files have names with a dot. */
function mayBePage({ path }: GatewayRequest): boolean {
  return !path.slice(path.lastIndexOf('/') + 1).includes('.');
}

/** What a browser asks for when its user goes somewhere, and no script, picture or call of an interface. */
function wantsPage({ fields }: GatewayRequest): boolean {
  const accept = combinedValue(fields, 'accept');
  return accept !== undefined && namesMediaType(accept, 'text/html');
}

function notFound(options: ConstructorParameters<typeof GatewayError>[3]): GatewayError {
  return new GatewayError(404, 'XGI_STATIC_NOT_FOUND', 'there is no file at this path', options);
}

function unreadable(error: Error): GatewayError {
  const { code } = error as NodeJS.ErrnoException;
  if (code === 'ENOENT' || code === 'ELOOP' || code === 'ENOTDIR') return notFound({ cause: error });
  if (code === 'EMFILE' || code === 'ENFILE')
    return new GatewayError(503, 'XGI_STATIC_UNREADABLE', `the file cannot be opened: ${error.message}`);
  return new GatewayError(403, 'XGI_STATIC_UNREADABLE', 'the file cannot be read', { detail: error.message });
}

function plain(status: number, reason: string, fields: readonly string[]): GatewayResponse {
  const head = new ResponseHead(status, ['Content-Type', 'text/plain; charset=utf-8', ...fields]);
  return { head, body: { kind: 'bytes', bytes: `${status} ${reason}\n` } };
}
