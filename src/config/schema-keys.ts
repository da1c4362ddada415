/** The keys that a schema knows, for suggestions. */
import { z } from 'zod/v3';
import type { SettingPath } from './file.js';

/** Of the object that the schema describes at that path; none if it describes no object there. */
export function keysAt(schema: unknown, at: SettingPath): readonly string[] {
  const found = at.reduce<unknown>((parent, key) => shapeOf(parent)?.[key], schema);
  return Object.keys(shapeOf(found) ?? {});
}

function shapeOf(schema: unknown): Readonly<Record<string, unknown>> | undefined {
  if (schema instanceof z.ZodOptional) return shapeOf(schema.unwrap());
  if (schema instanceof z.ZodEffects) return shapeOf(schema.innerType());
  if (schema instanceof z.ZodUnion) return (schema.options as unknown[]).map(shapeOf).find(Boolean);
  return schema instanceof z.ZodObject ? (schema.shape as Readonly<Record<string, unknown>>) : undefined;
}
