/** `limits`: how long the body of a request may be, and how long its answer may take. */
import { disposeBody } from '../bodies/dispose-body.js';
import { tooLong } from '../bodies/request-bytes.js';
import { limitsOptions } from '../config/middleware/limits.js';
import { GatewayError } from '../errors.js';
import { type AbortListeners, tellAborted, withAbortListener } from '../http/abort-listeners.js';
import { DerivedRequest } from '../http/derived-request.js';
import type { BodyConsumer, GatewayRequest, GatewayResponse, Handler, RequestBody } from '../types.js';
import { defineMiddleware } from './define.js';

/**
 * Throws GatewayError 504 `XGI_LIMIT_TIME` if there is no answer in time; the body of a request that is too long fails with RemoteProtocolError 413
 * `XGI_HTTP_BODY_SIZE`. Neither has a default.
 */
export const limits = defineMiddleware('limits', limitsOptions, ({ body, time }) => {
  return (next) => {
    const limited = body === undefined ? next : limitBody(next, body);
    return time === undefined ? limited : limitTime(limited, time);
  };
});

function limitBody(next: Handler, maxBytes: number): Handler {
  return (request) => {
    if (request.body === null) return next(request);
    if (request.body.length > maxBytes) throw tooLong(maxBytes);
    const changed = new DerivedRequest(request);
    changed.body = new LimitedBody(request.body, maxBytes);
    return next(changed);
  };
}

/** For a chunked body, whose length only its end tells. */
class LimitedBody implements RequestBody {
  readonly length: number;
  readonly #body: RequestBody;
  readonly #maxBytes: number;

  constructor(body: RequestBody, maxBytes: number) {
    this.length = body.length;
    this.#body = body;
    this.#maxBytes = maxBytes;
  }

  consume(consumer: BodyConsumer): void {
    let received = 0;
    let isOver = false;
    this.#body.consume({
      data: (chunk) => {
        received += chunk.length;
        if (isOver) return;
        if (received <= this.#maxBytes) {
          consumer.data(chunk);
          return;
        }
        isOver = true;
        consumer.error(tooLong(this.#maxBytes));
      },
      end: () => {
        if (!isOver) consumer.end();
      },
      error: (error) => {
        if (!isOver) consumer.error(error);
      },
    });
  }

  pause(): void {
    this.#body.pause();
  }

  resume(): void {
    this.#body.resume();
  }
}

function limitTime(next: Handler, timeMs: number): Handler {
  return (request) => {
    const timed = new TimedRequest(request);
    const answer = next(timed);
    if (!(answer instanceof Promise)) return answer;
    return new Promise<GatewayResponse>((resolve, reject) => {
      const timer = setTimeout(() => {
        reject(new GatewayError(504, 'XGI_LIMIT_TIME', `no answer within ${timeMs / 1000} s`));
        timed.giveUp();
        // It may come yet, and holds something then.
        answer.then(({ body }) => disposeBody(body)).catch(() => {});
      }, timeMs);
      answer.then(resolve, reject).finally(() => clearTimeout(timer));
    });
  };
}

/** A request that can be given up while its client waits on. */
class TimedRequest extends DerivedRequest {
  #listeners: AbortListeners;
  #isGivenUp = false;

  constructor(whole: GatewayRequest) {
    super(whole);
    whole.onAbort(() => this.#tell());
  }

  override get endsWithWhole(): boolean {
    return true;
  }

  override onAbort(listener: () => void): void {
    if (this.#isGivenUp) listener();
    else this.#listeners = withAbortListener(this.#listeners, listener);
  }

  giveUp(): void {
    this.#tell();
  }

  #tell(): void {
    if (this.#isGivenUp) return;
    this.#isGivenUp = true;
    tellAborted(this.#listeners);
  }
}
