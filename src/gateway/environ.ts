/**
 * The meta-variables of the CGI family (RFC 3875 section 4.1, PEP 3333 "environ Variables"), as the environ delta of a
 * request: `name NUL value NUL name NUL value`, latin-1.
 *
 * Nothing a client sends can set a variable of ours: fields become `HTTP_*`, and what is computed comes after them. A name
 * with an underscore or a dot makes no variable, because `X_Y`, `X.Y` and `X-Y` would become the same one; `Proxy` makes
 * none, because programs read HTTP_PROXY from their environment (httpoxy, CVE-2016-5385).
 */
import type { Fields, GatewayRequest } from '../types.js';

/** A header field's variable, and the last request that had it. */
interface Variable {
  readonly name: string;
  seenIn: number;
}

// Names repeat from request to request: one lookup instead of building the variable's name. Bounded against invented names.
const variables = new Map<string, Variable | null>();
const MAX_VARIABLES = 512;
let requestNumber = 0;

const PLAIN_NAME = /^[A-Za-z0-9-]+$/;
/** Made from the body itself (CONTENT_LENGTH), undone by us (the transfer coding), or dangerous. */
const NO_VARIABLE: ReadonlySet<string> = new Set(['content-length', 'transfer-encoding', 'proxy']);

/**
 * The environ delta of a WSGI request.
 *
 * @param contentLength the true length of the body; -1 if there is none
 */
export function wsgiEnviron(request: GatewayRequest, contentLength: number): string {
  const { path, query, target, peer } = request;
  const { name, port } = serverOf(request);
  const uri = target.charCodeAt(0) === 0x2f ? target : query === '' ? path : `${path}?${query}`;
  const pathInfo = path.indexOf('%') === -1 ? path : decodePath(path);
  return (
    fieldVariables(request.fields) +
    (contentLength === -1 ? '' : `CONTENT_LENGTH\0${contentLength}\0`) +
    `REQUEST_METHOD\0${request.method}\0PATH_INFO\0${pathInfo}\0QUERY_STRING\0${query}\0REQUEST_URI\0${uri}\0RAW_URI\0${target}` +
    `\0SERVER_NAME\0${name}\0SERVER_PORT\0${port}\0SERVER_PROTOCOL\0HTTP/${request.httpVersion}` +
    `\0REMOTE_ADDR\0${request.clientAddress || peer.remoteAddress}\0REMOTE_PORT\0${request.clientPort}\0wsgi.url_scheme\0${request.scheme}`
  );
}

function fieldVariables(fields: Fields): string {
  // Never inside a request, where a repeated name is recognized by its variable.
  if (variables.size >= MAX_VARIABLES) variables.clear();
  const number = ++requestNumber;
  let text = '';
  for (let i = 0; i < fields.length; i += 2) {
    const variable = variableOf(fields[i]!);
    if (variable === null) continue;
    if (variable.seenIn === number) return joinedVariables(fields);
    variable.seenIn = number;
    text += `${variable.name}\0${fields[i + 1]}\0`;
  }
  return text;
}

/** The same for a request that repeats a field: one list (RFC 9110 section 5.3), Cookie with `; ` (RFC 6265 section 5.4). */
function joinedVariables(fields: Fields): string {
  const values = new Map<string, string>();
  for (let i = 0; i < fields.length; i += 2) {
    const variable = variableOf(fields[i]!);
    if (variable === null) continue;
    const before = values.get(variable.name);
    const value = fields[i + 1]!;
    values.set(
      variable.name,
      before === undefined ? value : before + (variable.name === 'HTTP_COOKIE' ? '; ' : ', ') + value,
    );
  }
  let text = '';
  for (const [name, value] of values) text += `${name}\0${value}\0`;
  return text;
}

function variableOf(fieldName: string): Variable | null {
  let variable = variables.get(fieldName);
  if (variable === undefined) {
    variable = makeVariable(fieldName);
    // A copy: a part of a head keeps the whole head alive, 64 KiB for each name that somebody invents.
    variables.set(Buffer.from(fieldName, 'latin1').toString('latin1'), variable);
  }
  return variable;
}

/** Two spellings of a name share one variable, so that a repetition is seen. */
function makeVariable(fieldName: string): Variable | null {
  const lower = fieldName.toLowerCase();
  if (!PLAIN_NAME.test(fieldName) || NO_VARIABLE.has(lower)) return null;
  if (lower !== fieldName) return variableOf(lower);
  const upper = lower.toUpperCase().replaceAll('-', '_');
  return { name: upper === 'CONTENT_TYPE' ? upper : `HTTP_${upper}`, seenIn: 0 };
}

/** Percent-decoded, each byte as a character (PEP 3333, "Unicode Issues"). */
function decodePath(path: string): string {
  return path.replaceAll(/%([0-9A-Fa-f]{2})/g, (_, digits: string) =>
    String.fromCharCode(Number.parseInt(digits, 16)),
  );
}

let lastAuthority = '';
let lastServer = { name: '', port: '' };

/** SERVER_NAME and SERVER_PORT: from the authority, else from the socket. */
function serverOf(request: GatewayRequest): { readonly name: string; readonly port: string } {
  const { authority, scheme, peer } = request;
  if (authority === '') {
    return {
      name: peer.localAddress || 'localhost',
      port: String(peer.localPort || (scheme === 'https' ? 443 : 80)),
    };
  }
  // The key holds the scheme, because it decides the default port.
  const key = `${scheme} ${authority}`;
  if (key !== lastAuthority) {
    const colon = authority.lastIndexOf(':');
    const hasPort = colon !== -1 && !authority.endsWith(']');
    const port = hasPort ? authority.substring(colon + 1) : '';
    lastServer = {
      name: hasPort ? authority.substring(0, colon) : authority,
      port: port || (scheme === 'https' ? '443' : '80'),
    };
    lastAuthority = key;
  }
  return lastServer;
}
