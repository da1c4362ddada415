/** Which certificate is for the name that a client asks for (SNI, RFC 6066 section 3; wildcards, RFC 6125 section 6.4.3). */

export class ServerNames<T> {
  readonly #values = new Map<string, T>();

  /** What is given first wins. @param names lower case; `*.example.org` is any one label before it */
  add(names: readonly string[], value: T): void {
    for (const name of names) if (!this.#values.has(name)) this.#values.set(name, value);
  }

  /** An exact name before a wildcard. */
  find(serverName: string): T | undefined {
    const name = serverName.toLowerCase();
    const dot = name.indexOf('.');
    return this.#values.get(name) ?? (dot > 0 ? this.#values.get(`*${name.slice(dot)}`) : undefined);
  }
}
