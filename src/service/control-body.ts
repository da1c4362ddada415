import type { IncomingMessage } from 'node:http';
import { ControlError } from './control-error.js';

/** Longer: 413. */
const MAX_CONTROL_BODY_BYTES = 16_384;

/**
 * Reads the body of a request: a JSON object, or nothing, which is the same as `{}`.
 *
 * @throws ControlError `XGI_CONTROL_TOO_LARGE`, `XGI_CONTROL_JSON`, `XGI_CONTROL_ABORTED`
 */
export async function readJsonObject(request: IncomingMessage): Promise<Readonly<Record<string, unknown>>> {
  const text = await readText(request);
  if (text.trim() === '') return {};
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    value = undefined;
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value))
    return value as Record<string, unknown>;
  throw new ControlError(400, 'XGI_CONTROL_JSON', 'expected a body that is a JSON object, or none');
}

/** Not by `for await`, which would destroy the socket at the limit, and with it the answer. */
async function readText(request: IncomingMessage): Promise<string> {
  return await new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    request.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes <= MAX_CONTROL_BODY_BYTES) chunks.push(chunk);
      else {
        request.pause();
        reject(tooLarge());
      }
    });
    request.on('end', () => resolve(Buffer.concat(chunks).toString('utf8')));
    request.on('error', reject);
    request.on('close', () =>
      reject(new ControlError(400, 'XGI_CONTROL_ABORTED', 'the request is not complete')),
    );
  });
}

function tooLarge(): ControlError {
  return new ControlError(
    413,
    'XGI_CONTROL_TOO_LARGE',
    `the body is longer than ${MAX_CONTROL_BODY_BYTES} bytes`,
  );
}
