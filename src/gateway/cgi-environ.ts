/**
 * The meta-variables of a CGI program (RFC 3875 section 4.1) and those that programs know from Apache, as an environ delta:
 * `name NUL value NUL name NUL value`, latin-1. All text is byte text, one character per byte.
 *
 * Nothing a client sends can set a variable of ours: fields become `HTTP_*`, what is computed comes after them, and no value
 * holds a NUL. REMOTE_IDENT is never set: nobody runs the protocol it comes from (RFC 1413).
 */
import type { Fields, GatewayRequest } from '../types.js';
import { certificateVariables } from './certificate-variables.js';
import { extraVariables } from './extra-variables.js';
import { fieldVariables } from './field-variables.js';
import { identityVariables } from './identity-variables.js';
import { serverOf } from './server-address.js';
import { checkValue } from './variable-value.js';

/** Where a request's program is, in the URL and on disk. */
export interface CgiPlace {
  /** The decoded path up to and with the program; '' for one that is mounted at the root. */
  readonly scriptName: string;
  /** The decoded path behind it; '' or beginning with `/`. */
  readonly pathInfo: string;
  /** The program's file, absolute. */
  readonly scriptFilename: string;
  /** The folder that the path is looked up in, absolute. */
  readonly documentRoot: string;
  /** The URL prefix that stands for this folder; '' for the root. */
  readonly contextPrefix: string;
}

export interface CgiEnvironOptions {
  /** The true length of the body; -1 if there is none. */
  readonly contentLength: number;
  /** Gives the program `Authorization` as HTTP_AUTHORIZATION: a password, mostly, which every child of the program can read. */
  readonly passAuthorization: boolean;
  /** The request before, if a program's local redirect led here (RFC 3875 section 6.2.2). */
  readonly redirect: { readonly url: string; readonly query: string } | null;
  /** SERVER_SOFTWARE: `xgi/1.2.3`. */
  readonly software: string;
}

/**
 * The environ delta of a CGI program.
 *
 * @throws LocalProtocolError `XGI_GATEWAY_BAD_VARIABLE` for a value with a NUL, which would set further variables
 */
export function cgiEnviron(request: GatewayRequest, place: CgiPlace, options: CgiEnvironOptions): string {
  const { identity } = request;
  const fields = visibleFields(request.fields, options.passAuthorization);
  const computed = Object.entries(computedVariables(request, place, options));
  for (let i = 0; i < fields.length; i += 2) checkValue(fields[i]!, fields[i + 1]!);
  for (const [name, value] of computed) checkValue(name, value);
  return (
    fieldVariables(fields) +
    extraVariables(request.variables) +
    (identity === null ? '' : identityVariables(identity)) +
    (request.peer.tls === null ? '' : certificateVariables(request.peer.tls)) +
    computed.map(([name, value]) => `${name}\0${value}`).join('\0')
  );
}

/** A program does not see what proves who the client is, but by REMOTE_USER (RFC 3875 section 4.1.18). */
function visibleFields(fields: Fields, passAuthorization: boolean): Fields {
  const visible: string[] = [];
  for (let i = 0; i < fields.length; i += 2) {
    const name = fields[i]!.toLowerCase();
    if (name === 'proxy-authorization' || (name === 'authorization' && !passAuthorization)) continue;
    visible.push(fields[i]!, fields[i + 1]!);
  }
  return visible;
}

function computedVariables(
  request: GatewayRequest,
  place: CgiPlace,
  options: CgiEnvironOptions,
): Record<string, string> {
  const { peer, scheme } = request;
  const { pathInfo, documentRoot } = place;
  const { contentLength, redirect } = options;
  const server = serverOf(request);
  const clientAddress = request.clientAddress || peer.remoteAddress;
  const variables: Record<string, string> = {
    GATEWAY_INTERFACE: 'CGI/1.1',
    SERVER_SOFTWARE: options.software,
    SERVER_NAME: server.name,
    SERVER_PORT: server.port,
    SERVER_ADDR: peer.localAddress,
    SERVER_PROTOCOL: `HTTP/${request.httpVersion}`,
    REQUEST_METHOD: request.method,
    REQUEST_SCHEME: scheme,
    REQUEST_URI: originForm(request.target),
    QUERY_STRING: request.query,
    SCRIPT_NAME: place.scriptName,
    SCRIPT_FILENAME: place.scriptFilename,
    PATH_INFO: pathInfo,
    DOCUMENT_ROOT: documentRoot,
    CONTEXT_PREFIX: place.contextPrefix,
    CONTEXT_DOCUMENT_ROOT: documentRoot,
    REMOTE_ADDR: clientAddress,
    // No name is looked up: that would cost a round trip, and the client decides what it is. RFC 3875 section 4.1.9 lets the address stand for it.
    REMOTE_HOST: clientAddress,
    REMOTE_PORT: String(request.clientPort),
    UNIQUE_ID: request.id,
    // php-cgi refuses to run without it: it takes it as proof that a server calls it.
    REDIRECT_STATUS: '200',
  };
  if (contentLength !== -1) variables['CONTENT_LENGTH'] = String(contentLength);
  if (pathInfo !== '') variables['PATH_TRANSLATED'] = documentRoot.replace(/\/$/, '') + pathInfo;
  if (scheme === 'https') variables['HTTPS'] = 'on';
  if (redirect !== null) {
    variables['REDIRECT_URL'] = redirect.url;
    variables['REDIRECT_QUERY_STRING'] = redirect.query;
  }
  return variables;
}

/** Of the target and not of the path, which is another after a local redirect. */
function originForm(target: string): string {
  if (target.startsWith('/') || target === '*') return target;
  const local = target.replace(/^[^:/?]+:\/\/[^/?]*/, '');
  return local.startsWith('/') ? local : `/${local}`;
}
