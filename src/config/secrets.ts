/**
 * Values that nobody is shown, neither in a message nor by `xgi check --print`: passwords, their hashes, keys. A schema marks them; of what has no schema,
 * as the options of somebody's own middleware, the names tell.
 */
import { z } from 'zod/v3';
import { HIDDEN } from '../errors/received.js';
import type { SettingPath } from './file.js';
import { childOf, formsOf } from './schema-walk.js';

const marked = new WeakSet<z.ZodTypeAny>();

const NAME = /(?:secret|password|passwd|token)$/i;

/** The same schema: its values are secrets. */
export function secret<S extends z.ZodTypeAny>(schema: S): S {
  marked.add(schema);
  return schema;
}

const anything = z.unknown();
const anySecret = secret(z.unknown());

/** The same value, with {@link HIDDEN} for each secret in it. @param schema of `value` @param at the part of it that is wanted */
export function hideSecrets(schema: z.ZodTypeAny, value: unknown, at: SettingPath = []): unknown {
  let schemas = [schema];
  let part = value;
  for (const key of at) {
    if (isSecret(schemas)) break;
    schemas = below(schemas, key);
    part = (part as Record<string | number, unknown> | undefined)?.[key];
  }
  return hide(part, schemas, { at: [], parents: [], note: () => {} });
}

/** Where there are secrets in a value of that schema. */
export function secretsIn(schema: z.ZodTypeAny, value: unknown): readonly SettingPath[] {
  const found: SettingPath[] = [];
  hide(value, [schema], { at: [], parents: [], note: (at) => found.push(at) });
  return found;
}

interface Walk {
  readonly at: SettingPath;
  /** An alias of YAML may be a part of itself. */
  readonly parents: readonly unknown[];
  readonly note: (at: SettingPath) => void;
}

/** @param schemas any of which the value may be of */
function hide(value: unknown, schemas: readonly z.ZodTypeAny[], walk: Walk): unknown {
  const { at, parents, note } = walk;
  if (isSecret(schemas) && value !== undefined) {
    note(at);
    return HIDDEN;
  }
  const isObject = typeof value === 'object' && value !== null;
  if (!isObject || parents.includes(value)) return value;
  const hideBelow = (item: unknown, key: string | number): unknown =>
    hide(item, below(schemas, key), { at: [...at, key], parents: [...parents, value], note });
  if (Array.isArray(value)) return value.map(hideBelow);
  if (Object.getPrototypeOf(value) !== Object.prototype) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, hideBelow(item, key)]));
}

function isSecret(schemas: readonly z.ZodTypeAny[]): boolean {
  return schemas.some((schema) => formsOf(schema).some((form) => marked.has(form)));
}

/** Those of what stands at a key. What has no schema there is what a schema does not say, or no right value. */
function below(schemas: readonly z.ZodTypeAny[], key: string | number): z.ZodTypeAny[] {
  const found = schemas.flatMap(formsOf).flatMap((form) => childOf(form, key) ?? []);
  if (found.length > 0) return found;
  return [NAME.test(String(key)) ? anySecret : anything];
}
