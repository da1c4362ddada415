/** The body of a request that another server reads: its length is checked, and it is failed if it does not come to its end. */
import { tooLong } from '../bodies/request-bytes.js';
import { RemoteProtocolError } from '../errors.js';
import { type BodyOrigin, RequestBodyStream } from '../server/request-body.js';

export class ReceivedBody extends RequestBodyStream {
  readonly #maxBytes: number;
  #count = 0;

  /** @param length Content-Length, or -1 */
  constructor(length: number, maxBytes: number, origin: BodyOrigin) {
    super(length, origin);
    this.#maxBytes = maxBytes;
  }

  /** @throws RemoteProtocolError for more than was promised, or is allowed */
  override receive(chunk: Buffer): void {
    this.#count += chunk.length;
    if (this.#count > this.#maxBytes) throw tooLong(this.#maxBytes);
    if (this.length !== -1 && this.#count > this.length) throw this.#misfit();
    super.receive(chunk);
  }

  override finish(): void {
    if (this.length !== -1 && this.#count < this.length) this.fail(this.#misfit());
    else super.finish();
  }

  #misfit(): RemoteProtocolError {
    return new RemoteProtocolError(
      400,
      'XGI_HTTP_CONTENT_LENGTH',
      `Content-Length is ${this.length}, and the body is ${this.#count < this.length ? 'shorter' : 'longer'}`,
    );
  }
}
