import type { ResponseBody } from '../types.js';

/** Lets go of a body that will not be sent. */
export function disposeBody(body: ResponseBody): void {
  if (body.kind === 'file') void body.file.handle.close().catch(() => {});
  else if (body.kind === 'stream') body.source.cancel();
}
