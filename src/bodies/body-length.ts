import type { FileBody, ResponseBody } from '../types.js';

/** The length of a response body, or -1 if only its end will tell. */
export function bodyLength(body: ResponseBody): number {
  switch (body.kind) {
    case 'empty':
      return 0;
    case 'bytes':
      return body.bytes.length;
    case 'file':
      return fileBodyLength(body.file);
    default:
      return -1;
  }
}

export function fileBodyLength({ pieces }: FileBody): number {
  return pieces.reduce((sum, { length }) => sum + length, 0);
}
