/** A request whose client is known, as the application sees it. */
import { deriveRequest, type RequestChanges } from '../http/derived-request.js';
import { fieldsWhere } from '../http/field-values.js';
import type { Fields, GatewayRequest } from '../types.js';

/** By which proxies tell applications who the client is: applications that believe them must not hear it from a client. */
const IDENTITY_FIELDS = ['remote-user', 'x-remote-user', 'auth-type'];

/**
 * Puts changes into requests, and takes out the fields of these names, and of the ones that name an identity; also as they would be written for the
 * environment of a program, with underscores.
 */
export class AuthenticatedRequests {
  readonly #removed: ReadonlySet<string>;
  readonly #lengths: ReadonlySet<number>;

  constructor(lowerCaseNames: readonly string[]) {
    const removed = [...IDENTITY_FIELDS, ...lowerCaseNames].map(withHyphens);
    this.#removed = new Set(removed);
    this.#lengths = new Set(removed.map(({ length }) => length));
  }

  /** @param added fields in the place of those that a client has sent */
  of(request: GatewayRequest, changes: RequestChanges, added: Fields = []): GatewayRequest {
    return deriveRequest(request, { ...changes, fields: [...this.#without(request.fields), ...added] });
  }

  #without(fields: Fields): Fields {
    // The length tells most names apart.
    return fieldsWhere(
      fields,
      (name) => !this.#lengths.has(name.length) || !this.#removed.has(withHyphens(name.toLowerCase())),
    );
  }
}

function withHyphens(name: string): string {
  return name.replaceAll('_', '-');
}
