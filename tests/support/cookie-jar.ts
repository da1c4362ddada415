/**
 * A browser's memory for `fetch`: keeps cookies (RFC 6265 section 5: Path, Max-Age, Expires, Secure) and
 * follows redirects itself, because the cookies of a redirect are to be sent with the next request.
 * One host per jar; Domain is not looked at.
 */
interface Cookie {
  readonly name: string;
  readonly value: string;
  readonly path: string;
  readonly secure: boolean;
  readonly httpOnly: boolean;
  readonly expiresAtMs: number;
}

const MAX_REDIRECTS = 10;

export class CookieJar {
  readonly #cookies = new Map<string, Cookie>();

  /** The value that a request to `/` and below `path` would send; undefined if there is none. */
  get(name: string, path = '/'): string | undefined {
    return this.#matching(new URL(path, 'http://host')).find((cookie) => cookie.name === name)?.value;
  }

  /** The cookie with its attributes. */
  describe(name: string): Cookie | undefined {
    return [...this.#cookies.values()].find((cookie) => cookie.name === name);
  }

  /** Like `fetch`. `redirect: 'manual'` returns the redirect itself, with its cookies kept. */
  async fetch(input: string | URL, init: RequestInit = {}): Promise<Response> {
    let url = new URL(input);
    let { method = 'GET', body = null } = init;
    for (let hop = 0; hop <= MAX_REDIRECTS; hop += 1) {
      const headers = new Headers(init.headers);
      const cookies = this.#matching(url).map((cookie) => `${cookie.name}=${cookie.value}`);
      if (cookies.length > 0) headers.set('cookie', cookies.join('; '));
      const response = await fetch(url, { ...init, method, body, headers, redirect: 'manual' });
      for (const line of response.headers.getSetCookie()) this.#store(line, url);

      const location = response.headers.get('location');
      const redirected = response.status >= 301 && response.status <= 308 && location !== null;
      if (!redirected || init.redirect === 'manual') return response;
      await response.arrayBuffer();
      url = new URL(location, url);
      // RFC 9110 section 15.4: 303 always, and 301 and 302 in practice, become GET.
      if (response.status !== 307 && response.status !== 308 && method !== 'HEAD') {
        method = 'GET';
        body = null;
      }
    }
    throw new Error(`more than ${MAX_REDIRECTS} redirects, the last to ${url.href}`);
  }

  #matching(url: URL): Cookie[] {
    return [...this.#cookies.values()].filter(
      (cookie) =>
        cookie.expiresAtMs > Date.now() &&
        (!cookie.secure || url.protocol === 'https:') &&
        pathMatches(url.pathname, cookie.path),
    );
  }

  #store(line: string, url: URL): void {
    const cookie = parseSetCookie(line, url);
    const key = `${cookie.path} ${cookie.name}`;
    if (cookie.expiresAtMs <= Date.now()) this.#cookies.delete(key);
    else this.#cookies.set(key, cookie);
  }
}

/** RFC 6265 section 5.1.4. */
function pathMatches(requestPath: string, cookiePath: string): boolean {
  if (!requestPath.startsWith(cookiePath)) return false;
  return (
    requestPath.length === cookiePath.length ||
    cookiePath.endsWith('/') ||
    requestPath[cookiePath.length] === '/'
  );
}

function parseSetCookie(line: string, url: URL): Cookie {
  const [pair = '', ...parts] = line.split(';').map((part) => part.trim());
  const attributes = new Map(
    parts.map((part) => {
      const [name = '', ...value] = part.split('=');
      return [name.toLowerCase(), value.join('=')] as const;
    }),
  );
  const equals = pair.indexOf('=');
  const maxAge = attributes.get('max-age');
  const expires = attributes.get('expires');
  const path = attributes.get('path') ?? '';
  return {
    name: pair.slice(0, equals),
    value: pair.slice(equals + 1),
    path: path.startsWith('/') ? path : defaultPath(url.pathname),
    secure: attributes.has('secure'),
    httpOnly: attributes.has('httponly'),
    // Max-Age wins over Expires.
    expiresAtMs: maxAge ? Date.now() + Number(maxAge) * 1000 : expires ? Date.parse(expires) : Infinity,
  };
}

/** RFC 6265 section 5.1.4: the request path up to, but not including, its last slash. */
function defaultPath(requestPath: string): string {
  return requestPath.slice(0, requestPath.lastIndexOf('/')) || '/';
}
