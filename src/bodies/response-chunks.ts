/** The bytes of a response body, one chunk after the other, for middleware that changes or looks at them. */
import { LocalProtocolError } from '../errors.js';
import type { BodySource, FileBody, ResponseBody } from '../types.js';
import { ChunkQueue } from './chunk-queue.js';
import { interruptible } from './interruptible.js';

/** Parts of a file. */
const PART_BYTES = 65_536;

/**
 * Asked for the next chunk, it gives back the memory of the one before: copy what is kept. Ended early, by `return` or an exception in the
 * loop, it lets go of the body. Throws what goes wrong with the body.
 *
 * @param body is the caller's then, and not to be sent any more
 */
export function responseChunks(body: ResponseBody): AsyncGenerator<Buffer, void, void> {
  return body.kind === 'stream' ? sourceChunks(body.source) : chunksAtHand(body);
}

async function* chunksAtHand(
  body: Exclude<ResponseBody, { readonly kind: 'stream' }>,
): AsyncGenerator<Buffer, void, void> {
  switch (body.kind) {
    case 'empty':
      return;
    case 'bytes':
      try {
        yield typeof body.bytes === 'string' ? Buffer.from(body.bytes, 'latin1') : body.bytes;
      } finally {
        body.taken?.();
      }
      return;
    case 'file':
      yield* fileChunks(body.file);
      return;
    case 'tunnel':
      throw new LocalProtocolError('XGI_HTTP_BAD_RESPONSE', 'a tunnel has no body that could be read');
  }
}

async function* fileChunks({ handle, pieces, version }: FileBody): AsyncGenerator<Buffer, void, void> {
  const buffer = Buffer.allocUnsafeSlow(PART_BYTES);
  try {
    for (const piece of pieces) {
      if (typeof piece === 'string') {
        yield Buffer.from(piece, 'latin1');
        continue;
      }
      for (let done = 0; done < piece.length;) {
        const wanted = Math.min(PART_BYTES, piece.length - done);
        const { bytesRead } = await handle.read(buffer, 0, wanted, piece.offset + done);
        const now = version === undefined ? undefined : await handle.stat({ bigint: true });
        const isOther = now !== undefined && (now.mtimeNs !== version!.mtimeNs || now.size !== version!.size);
        if (bytesRead === 0 || isOther)
          throw new LocalProtocolError(
            'XGI_HTTP_FILE_CHANGED',
            'the file was written to while it was being read',
          );
        done += bytesRead;
        yield buffer.subarray(0, bytesRead);
      }
    }
  } finally {
    await handle.close().catch(() => {});
  }
}

/** What has come and was not asked for yet is bounded by the source: it waits for `taken`. */
function sourceChunks(source: BodySource): AsyncGenerator<Buffer, void, void> {
  const queue = new ChunkQueue();
  return interruptible(chunksOf(source, queue), () => {
    if (queue.isOver) return;
    queue.end();
    source.cancel();
  });
}

async function* chunksOf(source: BodySource, queue: ChunkQueue): AsyncGenerator<Buffer, void, void> {
  source.start({
    data: (chunk) => {
      if (chunk.length > 0) queue.push(chunk);
    },
    end: () => queue.end(),
    error: (error) => queue.fail(error),
  });
  try {
    for (let chunk = await queue.next(); chunk !== undefined; chunk = await queue.next()) {
      try {
        yield chunk;
      } finally {
        source.taken(chunk.length);
      }
    }
  } finally {
    for (const chunk of queue.drain()) source.taken(chunk.length);
  }
}

/** The same, copied: each chunk is the caller's, who may ask for the next while it still uses it. */
export async function* ownResponseChunks(body: ResponseBody): AsyncGenerator<Buffer, void, void> {
  for await (const chunk of responseChunks(body)) yield Buffer.from(chunk);
}
