/**
 * `xslt`: applies a stylesheet (XSLT 1.0) to XML answers. docs/decisions/0008-xslt.md says why by xsltproc, and against what it is guarded.
 *
 * The answer is made when all of the XML is there: an answer that cannot be transformed is an error, and not half a page.
 */
import path from 'node:path';
import { disposeBody } from '../bodies/dispose-body.js';
import { wholeBody } from '../bodies/whole-body.js';
import { xsltOptions } from '../config/middleware/xslt.js';
import { GatewayError } from '../errors.js';
import { charsetIn, mediaTypeIn, rewrittenFields } from '../http/changed-content.js';
import { withField } from '../http/field-values.js';
import { Places } from '../places/places.js';
import { takePlace } from '../places/take-place.js';
import type { GatewayRequest, GatewayResponse, ResponseBody } from '../types.js';
import { headWithFields } from './answer.js';
import { defineMiddleware } from './define.js';
import { rewriting } from './rewriting.js';
import { collectXml } from './xslt/collected-xml.js';
import { readStylesheet } from './xslt/stylesheet.js';
import { refusalOf } from './xslt/xml-prologue.js';
import { checkStylesheet, findXsltproc, runXsltproc, type XsltprocOptions } from './xslt/xsltproc.js';

const TYPES = ['application/xml', 'text/xml'];
const MAX_BYTES = 10_485_760;
const TIMEOUT_MS = 5000;
const MEMORY_BYTES = 536_870_912;
const CONCURRENCY = 4;
const MAX_WAITING = 1000;
const WAIT_MS = 30_000;
/** Until the XML that has a place is complete. */
const COLLECT_MS = 30_000;

/**
 * Makes of XML answers what a stylesheet says. Throws GatewayError 502, 503 or 504 `XGI_XSLT_*` for what cannot be transformed; ConfigError for a
 * stylesheet that cannot, or without xsltproc.
 */
export const xslt = defineMiddleware('xslt', xsltOptions, (options, { directory, where, nameOf }) => {
  const { maxSize = MAX_BYTES, concurrency = CONCURRENCY } = options;
  const stylesheet = readStylesheet(path.resolve(directory, options.stylesheet), nameOf('stylesheet'));
  const types = new Set<string>(options.types ?? TYPES);
  const run: XsltprocOptions = {
    program: findXsltproc(where),
    stylesheet: stylesheet.file,
    parameters: options.parameters ?? {},
    maxBytes: maxSize,
    timeoutMs: options.timeout ?? TIMEOUT_MS,
    memoryBytes: options.memory ?? MEMORY_BYTES,
  };
  checkStylesheet(run, nameOf('stylesheet'));
  const places = createPlaces(concurrency);
  return rewriting({
    isWanted: ({ fields }) => types.has(mediaTypeIn(fields)),
    change: async ({ head, body }, request): Promise<GatewayResponse> => {
      const fields = withField(
        rewrittenFields(head.fields),
        'Content-Type',
        options.mediaType ?? stylesheet.mediaType,
      );
      const changed = headWithFields(head, fields);
      // As it would be for GET, but for its length.
      if (request.method === 'HEAD') {
        disposeBody(body);
        return { head: changed, body: { kind: 'empty' } };
      }
      const whole = wholeBody(body, head.contentLength);
      const transform = async (gone: AbortSignal): Promise<Buffer> => {
        const xml = await collectXml(whole, { maxBytes: maxSize, timeoutMs: COLLECT_MS, gone });
        const refusal = refusalOf(xml, charsetIn(head.fields));
        if (refusal !== undefined)
          throw new GatewayError(
            502,
            'XGI_XSLT_REFUSED',
            `the XML is not given to the stylesheet: ${refusal}`,
          );
        return await runXsltproc(xml, run, gone);
      };
      // Not collected before there is a place: of those that wait, each would hold all of its XML.
      const leave = await placeFor(places, request, whole);
      const bytes = await untilGone(request, transform).finally(leave);
      return { head: changed, body: { kind: 'bytes', bytes } };
    },
  });
});

function createPlaces(concurrency: number): Places {
  return new Places({
    places: concurrency,
    maxWaiting: MAX_WAITING,
    waitTimeoutMs: WAIT_MS,
    full: (_, waiting) => busy(`${waiting} answers wait for their stylesheet already`),
    late: (waitedMs) => busy(`the answer has waited ${waitedMs / 1000} s for its stylesheet`),
    isOpen: () => true,
  });
}

function busy(observed: string): GatewayError {
  return new GatewayError(503, 'XGI_XSLT_BUSY', observed);
}

/** Lets go of the body, if there is no place for it. */
async function placeFor(places: Places, request: GatewayRequest, body: ResponseBody): Promise<() => void> {
  try {
    return await takePlace(places, request, clientGone);
  } catch (error) {
    disposeBody(body);
    throw error;
  }
}

/** @param run its signal is aborted if the client goes */
async function untilGone<T>(request: GatewayRequest, run: (gone: AbortSignal) => Promise<T>): Promise<T> {
  const gone = new AbortController();
  request.onAbort(() => gone.abort());
  return await run(gone.signal);
}

function clientGone(): GatewayError {
  return busy('the client has gone while it waited');
}
