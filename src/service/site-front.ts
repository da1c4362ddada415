/** What stands before the applications of a site, of one configuration: the middleware, and the table of routes. */
import type { ResolvedConfig } from '../config/resolve.js';
import type { SiteConfig, SiteRoute } from '../config/site.js';
import { GatewayError } from '../errors.js';
import type { ResponseHead } from '../http/response-head.js';
import { withVary } from '../http/vary.js';
import { answerWithHead, changeAnswer, headWithFields } from '../middleware/answer.js';
import { createRedirect } from '../handlers/redirect.js';
import { createRespond } from '../handlers/respond.js';
import { MountedRequest } from '../routing/mounted-request.js';
import { RouteTable } from '../routing/route-table.js';
import type { Handler, Log } from '../types.js';
import { acceptAnswer } from './accept-answer.js';
import { MiddlewareSet } from './middleware-set.js';
import type { ServedPart } from './served-part.js';
import { Unanswered } from './unanswered.js';

export type Parts = ReadonlyMap<string, ServedPart>;

export interface FrontOptions {
  readonly config: ResolvedConfig;
  readonly site: SiteConfig;
  readonly parts: Parts;
  readonly log: Log;
}

export class SiteFront {
  readonly handler: Handler;
  readonly #middleware: MiddlewareSet;
  readonly #unanswered = new Unanswered();

  private constructor(handler: Handler, middleware: MiddlewareSet) {
    this.handler = middleware.isEmpty ? handler : (request) => this.#unanswered.track(handler(request));
    this.#middleware = middleware;
  }

  /** @throws BootError, ConfigError for middleware that cannot be used */
  static async create({ config, site, parts, log }: FrontOptions): Promise<SiteFront> {
    const middleware = await MiddlewareSet.load(config, site, log);
    try {
      const table = new RouteTable<Handler>(
        site.routes.map((route) => [route.rule, createTarget(route, { site, parts, middleware })]),
      );
      return new SiteFront(middleware.wrap(config.middleware, createRouter(table)), middleware);
    } catch (error) {
      await middleware.close();
      throw error;
    }
  }

  /**
   * No request comes any more. Its middleware lets go of what it holds when all answers are over, or after that time; after the shortest, if it is
   * called again.
   */
  async retire(graceMs: number): Promise<void> {
    await this.#unanswered.none(graceMs);
    await this.#middleware.close();
  }
}

function createRouter(table: RouteTable<Handler>): Handler {
  const route: Handler = (request) => {
    const match = table.match(request);
    if (match === undefined) throw new GatewayError(404, 'XGI_ROUTE_NONE', 'nothing is served here');
    const { target, mountLength } = match;
    return target(mountLength === 0 ? request : new MountedRequest(request, mountLength));
  };
  return table.fieldNames.length === 0 ? route : varying(route, table.fieldNames);
}

/** Which application has answered depends on these fields: no cache may give its answer to who has sent others (RFC 9110 section 12.5.5). */
function varying(next: Handler, names: readonly string[]): Handler {
  const known = new WeakMap<ResponseHead, ResponseHead>();
  const change = (head: ResponseHead): ResponseHead => {
    let changed = known.get(head);
    if (changed === undefined) {
      changed = headWithFields(head, names.reduce(withVary, head.fields));
      known.set(head, changed);
    }
    return changed;
  };
  const accepted: Handler = (request) => changeAnswer(next(request), (answer) => acceptAnswer(answer));
  return (request) => answerWithHead(accepted, request, change);
}

interface Behind {
  readonly site: SiteConfig;
  readonly parts: Parts;
  readonly middleware: MiddlewareSet;
}

function createTarget({ action, middleware: own }: SiteRoute, { site, parts, middleware }: Behind): Handler {
  switch (action.kind) {
    case 'app': {
      // Without a name it is the only one, whose middleware is that of the server. Not that of the part: it may have been started with another configuration.
      const ofApplication = (app: string): SiteRoute['middleware'] =>
        app === '' ? [] : site.apps.get(app)!.middleware;
      const last = parts.get(action.app)!;
      const files = action.files.map((name) => [name, parts.get(name)!] as const);
      const handler = files.reduceRight<Handler>(
        (next, [name, { application }]) =>
          middleware.wrap(ofApplication(name), application.middleware!(next)),
        middleware.wrap(ofApplication(action.app), last.application.handler),
      );
      // Each may be the one that answers.
      return [last, ...files.map(([, part]) => part)].reduce(
        (counted, part) => part.counted(counted),
        middleware.wrap(own, handler),
      );
    }
    case 'handler':
      return middleware.wrap(own, action.handler);
    case 'redirect':
      return middleware.wrap(own, createRedirect(action));
    case 'respond':
      return middleware.wrap(own, createRespond(action));
  }
}
