/** All of the XML of an answer, at full speed. Whoever is slow to give it has a place meanwhile, which others wait for: its time is bounded. */
import { CollectedBytes } from '../../bodies/collected-bytes.js';
import { responseChunks } from '../../bodies/response-chunks.js';
import { GatewayError } from '../../errors.js';
import type { ResponseBody } from '../../types.js';

export interface CollectOptions {
  readonly maxBytes: number;
  readonly timeoutMs: number;
  /** The client has gone. */
  readonly gone: AbortSignal;
}

/** @throws GatewayError 502 `XGI_XSLT_SIZE`; 504 `XGI_XSLT_TIMEOUT`; and what goes wrong with the body, which has been let go of then */
export async function collectXml(
  body: ResponseBody,
  { maxBytes, timeoutMs, gone }: CollectOptions,
): Promise<Buffer> {
  const collected = new CollectedBytes(-1, maxBytes);
  const chunks = responseChunks(body);
  let failure: GatewayError | undefined;
  const end = (error: GatewayError): void => {
    failure ??= error;
    void chunks.return();
  };
  const late = `the XML was not complete after ${timeoutMs / 1000} s`;
  const timer = setTimeout(() => end(new GatewayError(504, 'XGI_XSLT_TIMEOUT', late)), timeoutMs);
  const left = (): void => end(new GatewayError(503, 'XGI_XSLT_FAILED', 'the client has gone'));
  gone.addEventListener('abort', left, { once: true });
  if (gone.aborted) left();
  try {
    for await (const chunk of chunks) {
      if (!collected.hasRoomFor(chunk.length))
        throw new GatewayError(502, 'XGI_XSLT_SIZE', `the XML is longer than ${maxBytes} bytes`);
      collected.add(chunk);
    }
  } finally {
    clearTimeout(timer);
    gone.removeEventListener('abort', left);
  }
  if (failure !== undefined) throw failure;
  return collected.bytes;
}
