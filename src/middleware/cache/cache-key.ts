/** Under which key an answer is stored: all of a request that names what it is about. */
import { combinedValue } from '../../http/field-values.js';
import type { StoredVariants } from '../../http/stored-response.js';
import type { GatewayRequest } from '../../types.js';

/**
 * Nothing of it is normalized: an order of parameters, a case or an encoding that the application might answer otherwise is another key.
 *
 * @param keyed of the request's traits
 */
export function cacheKey(request: GatewayRequest, keyed: string): string {
  const { scheme, authority, target, mount, path, query, variables } = request;
  let key = `${scheme}://${authority}${target}`;
  // Where a middleware has changed the path, the application sees the target as well.
  if (!isWhole(target, mount, path, query) || mount !== '') key += `\n${mount}\n${path}?${query}`;
  if (keyed !== '') key += keyed;
  if (variables.length > 0) key += `\n\n${variables.join('\n')}`;
  return key;
}

/** The key of the answer to another GET request of the same client; for what a request changes. */
export function keyOfTarget(request: GatewayRequest, target: string, keyed: string): string {
  const mark = target.indexOf('?');
  const whole = mark === -1 ? target : target.slice(0, mark);
  const query = mark === -1 ? '' : target.slice(mark + 1);
  const { mount } = request;
  const path = whole.startsWith(mount) ? whole.slice(mount.length) : whole;
  const { scheme, authority, variables } = request;
  return cacheKey({ scheme, authority, variables, target, mount, path, query } as GatewayRequest, keyed);
}

/** The key of the variant that fits the request. */
export function variantKey(key: string, { id, names }: StoredVariants, request: GatewayRequest): string {
  const values = names.map((name) => normalized(name, combinedValue(request.fields, name)));
  return `${key}\n\n\n${id}\n${values.join('\n')}`;
}

/** Whether they differ in nothing that the variants of an answer differ by. */
export function isSameVariant(names: readonly string[], a: GatewayRequest, b: GatewayRequest): boolean {
  return names.every(
    (name) =>
      normalized(name, combinedValue(a.fields, name)) === normalized(name, combinedValue(b.fields, name)),
  );
}

/** Lists that mean the same to everybody, however they are written (RFC 9111 section 4.1). */
function normalized(name: string, value: string | undefined): string {
  if (value === undefined) return '-';
  return name === 'accept-encoding' ? `+${value.toLowerCase().replaceAll(/\s+/g, '')}` : `+${value}`;
}

function isWhole(target: string, mount: string, path: string, query: string): boolean {
  if (mount !== '' || !target.startsWith(path)) return false;
  if (query === '') return target.length === path.length;
  return target.length === path.length + 1 + query.length && target.endsWith(query);
}
