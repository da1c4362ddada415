/**
 * The CGI handler: a request's path names a program, which is run for it (RFC 3875).
 *
 *  1. The path is resolved to a program (cgi-site.ts), and how it is run is found out (program.ts).
 *  2. The body is collected, so that the program is told its length and a slow client holds up nobody; or, if that is wanted, only what fits
 *     into memory (body-stream.ts).
 *  3. The program waits for a place and runs (cgi-run.ts); its head becomes the response.
 *  4. A local redirect goes back to 1, as a GET, at most ten times.
 */
import { GatewayError } from '../../errors.js';
import { formatReceived } from '../../errors/received.js';
import { toByteText } from '../../gateway/byte-text.js';
import { cgiEnviron } from '../../gateway/cgi-environ.js';
import type { ProgramPool } from '../../programs/program-pool.js';
import type { RunOrder } from '../../programs/runner.js';
import type { GatewayRequest, GatewayResponse, Handler, Log } from '../../types.js';
import { spoolBody, type SpooledBody } from '../body-spool.js';
import { redirectToSlash } from '../redirect-to-slash.js';
import { sendFile } from '../sendfile.js';
import { BodyStream, streamBody } from './body-stream.js';
import { CgiRun } from './cgi-run.js';
import { CgiSite, type Located, type Site } from './cgi-site.js';
import { queryWords } from './index-query.js';
import { shown } from './program-error.js';
import { redirectBefore, RedirectedRequest } from './redirected-request.js';

export interface CgiHandlerOptions {
  readonly site: Site;
  readonly pool: ProgramPool;
  readonly log: Log;
  /** Where it is served: '' for the root, else `/cgi-bin`. Default ''. */
  readonly mount?: string;
  /** The programs that answer for their folder, byte text: the first that is there. Default `index.cgi`. */
  readonly index?: readonly string[];
  /** What runs the files of an ending, `.pl`: absolute paths, byte text. Default none: by their first line. */
  readonly interpreters?: ReadonlyMap<string, string>;
  /** Whether plain Python scripts are forked from an interpreter that runs already. Default true. */
  readonly warm?: boolean;
  /** The longest a program may run; 0 for no limit. Default 1 h. */
  readonly timeoutMs?: number;
  /** The longest it may write nothing; 0 for no limit. Default 60 s. */
  readonly idleTimeoutMs?: number;
  /** Default false. */
  readonly passAuthorization?: boolean;
  /**
   * Whether a program is started when 64 KiB of a larger body have come, and reads the rest as it arrives: at the client's pace, and of a chunked body
   * without CONTENT_LENGTH. Default false: when the whole body has come.
   */
  readonly streamBody?: boolean;
  /** Files of programs that are given the words of a query as arguments; absolute, byte text. Default none. */
  readonly indexQuery?: ReadonlySet<string>;
  /** Real paths of folders from which X-Sendfile may send, byte text. Default none. */
  readonly sendfileRoots?: readonly string[];
  /** SERVER_SOFTWARE. Default `xgi`. */
  readonly software?: string;
  /** Where local redirects go; default: this handler. */
  readonly route?: Handler;
}

type Found = Extract<Located, { kind: 'program' }>;

/** A larger body goes through a file. A pipe holds as much, so that it can be filled before the program starts. */
const MAX_MEMORY_BODY_BYTES = 65_536;
const MAX_REDIRECTS = 10;
const EMPTY = Buffer.alloc(0);

type Settings = CgiHandlerOptions & Required<Omit<CgiHandlerOptions, 'route'>>;

const DEFAULTS: Omit<Settings, 'site' | 'pool' | 'log'> = {
  mount: '',
  index: ['index.cgi'],
  interpreters: new Map(),
  warm: true,
  timeoutMs: 3_600_000,
  idleTimeoutMs: 60_000,
  passAuthorization: false,
  streamBody: false,
  indexQuery: new Set(),
  sendfileRoots: [],
  software: 'xgi',
};

/** Serves what the programs of a folder answer, or one program. */
export function createCgiHandler(given: CgiHandlerOptions): Handler {
  const options: Settings = { ...DEFAULTS, ...given };
  const { pool, mount } = options;
  const site = new CgiSite(options.site, mount, { ...options, searchPath: pool.searchPath });
  const spool = { maxMemoryBytes: MAX_MEMORY_BODY_BYTES, folder: () => pool.folder };
  const handler: Handler = (request) => {
    const found = site.locate(request);
    if (found.kind === 'slash') return redirectToSlash(request);
    return new Promise<GatewayResponse>((resolve, reject) => {
      const start = (body: GivenBody): void => {
        try {
          run({ request, found, body, options, route: options.route ?? handler, resolve, reject });
        } catch (error) {
          if (body !== null && 'dispose' in body) body.dispose();
          reject(error as Error);
        }
      };
      const taken = (error: Error | null, body: GivenBody): void =>
        error === null ? start(body) : reject(error);
      if (request.body === null) start(null);
      else if (options.streamBody) streamBody(request.body, MAX_MEMORY_BODY_BYTES, taken);
      else spoolBody(request.body, spool, taken);
    });
  };
  return handler;
}

type GivenBody = SpooledBody | BodyStream | null;

interface Start {
  readonly request: GatewayRequest;
  readonly found: Found;
  readonly body: GivenBody;
  readonly options: Settings;
  readonly route: Handler;
  readonly resolve: (response: GatewayResponse | Promise<GatewayResponse>) => void;
  readonly reject: (error: Error) => void;
}

function run(start: Start): void {
  const { request, found, body, options, route, resolve, reject } = start;
  const { pool, timeoutMs, idleTimeoutMs, log, sendfileRoots } = options;
  const { scriptFilename } = found.place;
  new CgiRun({
    request,
    order: makeOrder(start),
    bodyStream: body instanceof BodyStream ? body : undefined,
    name: shown(scriptFilename),
    nph: /\/nph-[^/]*$/.test(scriptFilename),
    pool,
    timeoutMs,
    idleTimeoutMs,
    log,
    outcome: {
      respond: resolve,
      fail: reject,
      redirect: (path, query) => {
        try {
          resolve(route(redirected(request, path, query, shown(scriptFilename))));
        } catch (error) {
          reject(blameProgram(error as Error, path, shown(scriptFilename)));
        }
      },
      sendFile: (file, head) => resolve(sendFile(request, { file, head, roots: sendfileRoots })),
      over: () => {
        if (body !== null && 'dispose' in body) body.dispose();
      },
    },
  }).begin();
}

function makeOrder({ request, found, body, options }: Start): RunOrder {
  const { program, place } = found;
  const words = options.indexQuery.has(place.scriptFilename) ? queryWords(request) : [];
  const from = redirectBefore(request)?.whole;
  const environ = cgiEnviron(request, place, {
    contentLength:
      body === null ? declaredLength(request) : 'bytes' in body ? body.bytes.length : body.length,
    passAuthorization: options.passAuthorization,
    redirect: from === undefined ? null : { url: from.mount + from.path, query: from.query },
    software: options.software,
  });
  const cwd = place.scriptFilename.slice(0, place.scriptFilename.lastIndexOf('/')) || '/';
  const { path, warm, script } = program;
  const bodyFile = body !== null && 'path' in body ? { bodyFile: toByteText(body.path) } : {};
  return {
    command: { path, argv: [...program.argv, ...words], cwd, warm, script, args: words, ...bodyFile },
    environ,
    body: body === null || 'path' in body ? EMPTY : 'bytes' in body ? body.bytes : body.beginning,
    more: body instanceof BodyStream,
  };
}

/** `Content-Length: 0` is told as sent; no Content-Length at all is none. */
function declaredLength(request: GatewayRequest): number {
  return request.field('content-length') === undefined ? -1 : 0;
}

function redirected(
  request: GatewayRequest,
  path: string,
  query: string,
  program: string,
): RedirectedRequest {
  const next = new RedirectedRequest(request, path, query);
  if (next.redirects <= MAX_REDIRECTS) return next;
  throw new GatewayError(
    502,
    'XGI_CGI_REDIRECTS',
    `${program}: local redirects lead on and on; more than ${MAX_REDIRECTS} are not followed, the last one was to ${formatReceived(path)}`,
  );
}

/** A path that is none was the program's idea, and not the client's. */
function blameProgram(error: Error, path: string, program: string): Error {
  if (!(error instanceof GatewayError) || error.status !== 400) return error;
  return new GatewayError(
    502,
    'XGI_CGI_BAD_HEAD',
    `${program}: a local redirect to ${formatReceived(path)}: ${error.message}`,
  );
}
