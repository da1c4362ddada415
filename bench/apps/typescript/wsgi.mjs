/** The shape of WSGI. */
import { TEXT, TYPE } from './text.mjs';

const BODY = Buffer.from(TEXT);

export default function app(environ, startResponse) {
  const found = environ.PATH_INFO === '/1kb.txt';
  startResponse(found ? '200 OK' : '404 Not Found', [['Content-Type', TYPE]]);
  return found ? [BODY] : [];
}
