/** A handler as a listener of `node:http`, which is also middleware of Express and Connect: `(request, response) => …`. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Http2ServerRequest, Http2ServerResponse, ServerHttp2Stream } from 'node:http2';
import { Readable, type Writable } from 'node:stream';
import type { TLSSocket } from 'node:tls';
import { GatewayError } from '../errors.js';
import { plainIPv4 } from '../http/ip-address.js';
import { combinedValue, fieldsWhere } from '../http/field-values.js';
import type { ResponseHead } from '../http/response-head.js';
import { fieldsOf } from '../server/http2/response-fields.js';
import { PacedStream } from '../server/paced-stream.js';
import type { Fields, Handler, HttpVersion, Peer } from '../types.js';
import {
  type BeginOptions,
  EmbeddedExchange,
  type EmbeddingOptions,
  type Host,
} from './embedded-exchange.js';
import type { GivenHead } from './embedded-head.js';

/** As `node:http` and `node:http2` (its compatibility API) call it; Express and Connect set what is optional. */
export type NodeRequest = (IncomingMessage | Http2ServerRequest) & {
  /** The front of the path that has been taken from `url`. */
  baseUrl?: string;
  originalUrl?: string;
};

/** As {@link NodeRequest}. */
export type NodeResponse = ServerResponse | Http2ServerResponse;

/** Answers every request that it is given, errors too; calls no `next`. */
export type NodeListener = (request: NodeRequest, response: NodeResponse) => void;

/** @param options `mount` undefined: what Express has taken is the mount */
export function createNodeListener(
  handler: Handler,
  options: Omit<EmbeddingOptions, 'mount'> & { readonly mount: string | undefined },
): NodeListener {
  return (request, response) => {
    const peer = peerOf(request);
    if (peer === undefined) {
      response.destroy();
      return;
    }
    const { target, mount } = readTarget(request, options.mount);
    const host = new NodeHost(request, response);
    const exchange = new EmbeddedExchange(
      { head: readHead(request, target), peer, host, takesTrailers: takesTrailers(request) },
      { ...options, mount },
    );
    host.open(exchange);
    exchange.serve(host.isRead && exchange.body !== null ? refuseRead : handler);
  };
}

/** Express leaves `/` of a path that is the mount itself: then the client has sent no slash, and we must not make one up. */
function readTarget(
  { url = '/', baseUrl = '', originalUrl }: NodeRequest,
  mount: string | undefined,
): { readonly target: string; readonly mount: string } {
  if (mount !== undefined) return { target: originalUrl ?? url, mount };
  if (baseUrl === '') return { target: url, mount: '' };
  const isMountItself = originalUrl?.split('?', 1)[0] === baseUrl;
  return { target: isMountItself ? originalUrl! : baseUrl + url, mount: baseUrl };
}

function readHead(request: NodeRequest, target: string): GivenHead {
  const { method = 'GET', rawHeaders, httpVersionMajor, httpVersionMinor } = request;
  if (httpVersionMajor < 2) {
    const httpVersion: HttpVersion = httpVersionMinor === 0 ? '1.0' : '1.1';
    return { method, target, fields: rawHeaders, httpVersion };
  }
  const { stream, authority } = request as Http2ServerRequest;
  const fields = fieldsWhere(rawHeaders, (name) => !/^(?::|host$)/i.test(name));
  const hasBody = !stream.endAfterHeaders;
  return { method, target, fields: ['Host', authority, ...fields], httpVersion: '2.0', hasBody };
}

function takesTrailers({ httpVersionMajor, rawHeaders }: NodeRequest): boolean {
  return httpVersionMajor > 1 || /(?:^|,)\s*trailers\s*(?:,|$)/i.test(combinedValue(rawHeaders, 'te') ?? '');
}

/** @returns undefined if the client has reset the connection already: nobody knows its address any more */
function peerOf({ socket }: NodeRequest): Peer | undefined {
  const { remoteAddress, remotePort = 0, localAddress, localPort = 0, destroyed } = socket;
  const isUnix = remoteAddress === undefined && localAddress === undefined;
  if (destroyed || (remoteAddress === undefined && !isUnix)) return undefined;
  return {
    isUnix,
    remoteAddress: plainIPv4(remoteAddress ?? ''),
    remotePort,
    localAddress: plainIPv4(localAddress ?? ''),
    localPort,
    tls: (socket as Partial<TLSSocket>).encrypted === true ? { clientCertificate: undefined } : null,
  };
}

const refuseRead: Handler = () => {
  throw new GatewayError(
    500,
    'XGI_EMBED_BODY',
    'the request body has been read before it came here; mount xgi in front of what parses bodies, such as express.json()',
  );
};

/** Written at once, before it is asked whether the client has taken it. */
const PIECE_BYTES = 65_536;

class NodeHost implements Host {
  readonly #request: NodeRequest;
  /** Of the two kinds, one that has what both have. */
  readonly #response: ServerResponse;
  #exchange: EmbeddedExchange | undefined;
  #stream: PacedStream | undefined;
  #reading = false;
  #framesByClosing = false;
  /** Somebody has read from the body. */
  readonly isRead: boolean;

  constructor(request: NodeRequest, response: NodeResponse) {
    this.#request = request;
    this.#response = response as ServerResponse;
    this.isRead = Readable.isDisturbed(request);
  }

  open(exchange: EmbeddedExchange): void {
    this.#exchange = exchange;
    const response = this.#response;
    // What goes wrong ends the response, which is told of by 'close'.
    this.#request.on('error', () => {});
    response.on('error', () => {});
    response.on('close', () => exchange.closed());
    // Before it came here.
    if (response.destroyed) exchange.closed();
  }

  readBody(): void {
    const request = this.#request;
    if (!this.#reading) {
      this.#reading = true;
      request.on('data', (chunk: Buffer) => {
        this.#exchange?.receive(chunk);
        if (this.#exchange?.body?.wanted === false) request.pause();
      });
      request.on('end', () => this.#exchange?.endOfInput());
    }
    if (request.isPaused()) request.resume();
  }

  begin(head: ResponseHead, { addLength, hasBody, trailers }: BeginOptions): void {
    const fields = fieldsOf(head.fields);
    if (addLength !== -1) fields['content-length'] = addLength;
    if (trailers.length > 0) fields['trailer'] = trailers.join(', ');
    const hasLength = fields['content-length'] !== undefined;
    this.#framesByClosing = hasBody && !hasLength && this.#request.httpVersion === '1.0';
    if (head.reason !== '' && this.#request.httpVersionMajor < 2)
      this.#response.writeHead(head.status, head.reason, fields);
    else this.#response.writeHead(head.status, fields);
  }

  bodyStream(): Writable {
    this.#stream = new PacedStream(this.#response, PIECE_BYTES);
    return this.#stream;
  }

  end(bytes: Buffer | string | undefined, trailers: Fields): void {
    const response = this.#response;
    if (bytes !== undefined) response.end(bytes, 'latin1');
    else if (trailers.length === 0) this.#stream!.end();
    else
      this.#stream!.write('', () => {
        if (!response.destroyed) response.addTrailers(fieldsOf(trailers) as NodeJS.Dict<string>);
        this.#stream!.end();
      });
  }

  cut(): void {
    const response = this.#response;
    const destroy = (): void => {
      const stream = streamOf(response);
      if (stream !== undefined) stream.destroy(new Error('the response is cut off'));
      else if (this.#framesByClosing) response.socket?.resetAndDestroy();
      else response.destroy();
    };
    // What was written before goes out first.
    if (this.#stream !== undefined) this.#stream.write('', destroy);
    // Unless the program that embeds us has answered in our place.
    else if (!response.headersSent) destroy();
  }

  inform(head: ResponseHead): void {
    const stream = streamOf(this.#response);
    const fields = fieldsOf(head.fields);
    if (stream !== undefined) stream.additionalHeaders({ ...fields, ':status': head.status });
    else if (head.status === 103 && fields['link'] !== undefined)
      this.#response.writeEarlyHints(fields as Record<string, string | string[]>);
    else if (head.status === 102) this.#response.writeProcessing();
  }
}

/** Of HTTP/2. */
function streamOf(response: NodeResponse): ServerHttp2Stream | undefined {
  return 'stream' in response ? response.stream : undefined;
}
