/**
 * The environ delta of a WSGI request (PEP 3333 "environ Variables", RFC 3875 section 4.1): `name NUL value NUL name NUL value`,
 * latin-1.
 *
 * Nothing a client sends can set a variable of ours: fields become `HTTP_*`, and what is computed comes after them.
 */
import type { GatewayRequest } from '../types.js';
import { certificateVariables } from './certificate-variables.js';
import { decodePath } from './decode-path.js';
import { extraVariables } from './extra-variables.js';
import { fieldVariables } from './field-variables.js';
import { identityVariables } from './identity-variables.js';
import { serverOf } from './server-address.js';

/**
 * The environ delta of a WSGI request.
 *
 * @param contentLength the true length of the body; -1 if there is none
 */
export function wsgiEnviron(request: GatewayRequest, contentLength: number): string {
  const { mount, path, query, target, peer, identity, variables } = request;
  const { name, port } = serverOf(request);
  const uri = target.charCodeAt(0) === 0x2f ? target : mount + (query === '' ? path : `${path}?${query}`);
  const pathInfo = path.indexOf('%') === -1 ? path : decodePath(path);
  return (
    fieldVariables(request.fields) +
    (variables.length === 0 ? '' : extraVariables(variables)) +
    (contentLength === -1 ? '' : `CONTENT_LENGTH\0${contentLength}\0`) +
    (mount === '' ? '' : `SCRIPT_NAME\0${decodePath(mount)}\0`) +
    (identity === null ? '' : identityVariables(identity)) +
    (request.scheme === 'https' ? 'HTTPS\0on\0' : '') +
    (peer.tls === null ? '' : certificateVariables(peer.tls)) +
    `REQUEST_METHOD\0${request.method}\0PATH_INFO\0${pathInfo}\0QUERY_STRING\0${query}\0REQUEST_URI\0${uri}\0RAW_URI\0${target}` +
    `\0SERVER_NAME\0${name}\0SERVER_PORT\0${port}\0SERVER_PROTOCOL\0HTTP/${request.httpVersion}` +
    `\0REMOTE_ADDR\0${request.clientAddress || peer.remoteAddress}\0REMOTE_PORT\0${request.clientPort}\0wsgi.url_scheme\0${request.scheme}`
  );
}
