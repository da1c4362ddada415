/**
 * `errorPages`: pages of one's own for failures, for those that are thrown on the way to an answer and those that the application answers with.
 *
 * What is thrown is still logged where everything is. A page that fails itself is logged, and the failure is answered as if there were none: no
 * page is ever made for the failure of a page.
 */
import { readFileSync } from 'node:fs';
import { STATUS_CODES } from 'node:http';
import path from 'node:path';
import { disposeBody } from '../bodies/dispose-body.js';
import {
  type ErrorPageFailure,
  type ErrorPageHandler,
  errorPagesOptions,
  PAGE_FORM,
} from '../config/middleware/error-pages.js';
import { refuse } from '../config/refuse.js';
import { whyUnreadable } from '../config/unreadable.js';
import { asXgiError, statusOfError } from '../errors.js';
import { chooseMediaType } from '../http/accept.js';
import { OF_THE_REPRESENTATION } from '../http/changed-content.js';
import { setErrorAnswer } from '../http/error-answer.js';
import { errorFields } from '../http/error-fields.js';
import { combinedValue, withoutFields } from '../http/field-values.js';
import { mediaTypeOf } from '../http/media-types.js';
import { ResponseHead } from '../http/response-head.js';
import type { Fields, GatewayRequest, GatewayResponse } from '../types.js';
import { withVary } from '../http/vary.js';
import { type Answer, headWithFields } from './answer.js';
import { defineMiddleware, type MiddlewareContext } from './define.js';

type Page = ErrorPageHandler | PageFile;

interface PageFile {
  readonly mediaType: string;
  readonly bytes: Buffer;
}

/** What a failure and its page say together. */
const LISTS: ReadonlySet<string> = new Set(['link', 'set-cookie', 'vary', 'www-authenticate']);
/** For clients that take no page; the second is what such clients usually ask for. */
const GENERATED = ['application/problem+json', 'application/json', 'text/plain'] as const;

/** Gives failures a page each; their status, and the fields that belong to it, stay. Files are read when it is made. */
export const errorPages = defineMiddleware('errorPages', errorPagesOptions, (options, context) => {
  const pages = new Map<string, Page>(
    Object.entries(options.pages).map(([key, page]) => [
      key,
      typeof page === 'function' ? page : readPage(key, page, context),
    ]),
  );
  const errors = new ErrorPages(pages, context);
  return (next) => (request) => {
    try {
      const answer = next(request);
      return answer instanceof Promise
        ? answer.then(
            (response) => errors.answered(request, response),
            (error: unknown) => errors.thrown(request, error),
          )
        : errors.answered(request, answer);
    } catch (error) {
      return errors.thrown(request, error);
    }
  };
});

class ErrorPages {
  /** By status, or `5xx`. */
  readonly #pages: ReadonlyMap<string, Page>;
  readonly #context: MiddlewareContext;

  constructor(pages: ReadonlyMap<string, Page>, context: MiddlewareContext) {
    this.#pages = pages;
    this.#context = context;
  }

  /** Throws it again: it is logged, and the page sent, where everything that is thrown is. */
  thrown(request: GatewayRequest, given: unknown): Answer {
    const error = typeof given === 'object' && given !== null ? given : asXgiError(given);
    const status = statusOfError(error);
    const page = this.#pageOf(status);
    if (page === undefined) throw given;
    // As the server answers it without a page.
    const own = errorFields(error, status);
    const rethrow = (made: GatewayResponse | undefined): never => {
      if (made !== undefined) leavePage(request, given, withFailureFields(made.head, made, own));
      throw given;
    };
    if (typeof page !== 'function') return rethrow(fixed(page, request, status));
    return this.#make(page, request, { status, error }).then(rethrow);
  }

  /** @param response what the application has answered with */
  answered(request: GatewayRequest, response: GatewayResponse): Answer {
    const { head, body } = response;
    const page = head.status < 400 ? undefined : this.#pageOf(head.status);
    if (page === undefined || body.kind === 'tunnel') return response;
    if (typeof page !== 'function') {
      if (!isReadable(request, response, page)) return replaced(response, fixed(page, request, head.status));
      return { head: headWithFields(head, withVary(head.fields, 'Accept')), body };
    }
    return this.#make(page, request, { status: head.status, error: undefined }).then((made) =>
      made === undefined ? response : replaced(response, made),
    );
  }

  #pageOf(status: number): Page | undefined {
    return this.#pages.get(String(status)) ?? this.#pages.get(`${Math.floor(status / 100)}xx`);
  }

  /** @returns undefined if that fails; it is logged */
  async #make(
    page: ErrorPageHandler,
    request: GatewayRequest,
    failure: ErrorPageFailure,
  ): Promise<GatewayResponse | undefined> {
    const { status } = failure;
    try {
      const { head, body } = await page(request, failure);
      return { head: new ResponseHead(status, head.fields), body };
    } catch (thrown) {
      const { log, where } = this.#context;
      const { message, detail = message } = asXgiError(thrown);
      log.error(`${where}: the page for ${status} has failed`, { detail });
      return undefined;
    }
  }
}

/** For where the failure is answered. */
function leavePage(request: GatewayRequest, failure: unknown, page: GatewayResponse): void {
  const unsent = setErrorAnswer(request, failure, page);
  if (unsent !== undefined) disposeBody(unsent.body);
}

function replaced({ head, body }: GatewayResponse, page: GatewayResponse): GatewayResponse {
  disposeBody(body);
  return withFailureFields(head, page, withoutFields(head.fields, OF_THE_REPRESENTATION));
}

/** The page, with what the failure itself says. @param head of whose status and reason it is */
function withFailureFields(head: ResponseHead, page: GatewayResponse, ofFailure: Fields): GatewayResponse {
  return { head: headWithFields(head, allFields(page.head.fields, ofFailure)), body: page.body };
}

/** To a client that takes no page, the application may have said in its own way what it can read. */
function isReadable(request: GatewayRequest, { head, body }: GatewayResponse, page: PageFile): boolean {
  return (
    body.kind !== 'empty' &&
    typeFor(request, page) !== page.mediaType &&
    takes(request, head.field('content-type'))
  );
}

/** Of what both say, the page's own is meant, but for lists. */
function allFields(ofPage: Fields, ofFailure: Fields): Fields {
  const said = ofPage.filter((_, i) => i % 2 === 0).map((name) => name.toLowerCase());
  return [...ofPage, ...withoutFields(ofFailure, new Set(said.filter((name) => !LISTS.has(name))))];
}

/** @throws ConfigError */
function readPage(key: string, file: string, { directory, nameOf }: MiddlewareContext): PageFile {
  const absolute = path.resolve(directory, file);
  try {
    return { mediaType: mediaTypeOf(absolute), bytes: readFileSync(absolute) };
  } catch (error) {
    throw refuse(nameOf('pages', key), PAGE_FORM, file, `: ${whyUnreadable(error)}`);
  }
}

function takes(request: GatewayRequest, contentType: string | undefined): boolean {
  if (contentType === undefined) return true;
  const type = contentType.split(';', 1)[0]!.trim();
  return chooseMediaType(combinedValue(request.fields, 'accept'), [type]) !== undefined;
}

function typeFor(request: GatewayRequest, { mediaType }: PageFile): string {
  const type = mediaType.split(';', 1)[0]!;
  const chosen = chooseMediaType(combinedValue(request.fields, 'accept'), [type, ...GENERATED]) ?? type;
  return chosen === type ? mediaType : chosen;
}

function fixed(page: PageFile, request: GatewayRequest, status: number): GatewayResponse {
  const type = typeFor(request, page);
  const title = STATUS_CODES[status] ?? '';
  // RFC 9457.
  const bytes =
    type === page.mediaType
      ? page.bytes
      : type === 'text/plain'
        ? `${status} ${title}\n`
        : `${JSON.stringify({ type: 'about:blank', title, status })}\n`;
  const fields = ['Content-Type', type, 'Vary', 'Accept', 'X-Content-Type-Options', 'nosniff'];
  return { head: new ResponseHead(status, fields), body: { kind: 'bytes', bytes } };
}
