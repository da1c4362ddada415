/** From a schema to those of its parts. */
import { z } from 'zod/v3';
import type { SettingPath } from './file.js';

/** The keys of the object that the schema describes at that path, for suggestions; none if it describes no object there. */
export function keysAt(schema: z.ZodTypeAny, at: SettingPath): readonly string[] {
  const schemas = at.reduce<readonly z.ZodTypeAny[]>(
    (parents, key) => parents.flatMap(formsOf).flatMap((form) => childOf(form, key) ?? []),
    [schema],
  );
  return schemas
    .flatMap(formsOf)
    .flatMap((form) => (form instanceof z.ZodObject ? Object.keys(form.shape as object) : []));
}

/** The schema itself and those that it is made of, for the same value. */
export function formsOf(schema: z.ZodTypeAny): z.ZodTypeAny[] {
  if (schema instanceof z.ZodOptional) return [schema, ...formsOf(schema.unwrap() as z.ZodTypeAny)];
  if (schema instanceof z.ZodEffects) return [schema, ...formsOf(schema.innerType() as z.ZodTypeAny)];
  if (schema instanceof z.ZodUnion) return [schema, ...(schema.options as z.ZodTypeAny[]).flatMap(formsOf)];
  return [schema];
}

/** Of what stands at a key of such a value; undefined if the schema does not say. */
export function childOf(form: z.ZodTypeAny, key: string | number): z.ZodTypeAny | undefined {
  if (form instanceof z.ZodArray) return form.element as z.ZodTypeAny;
  if (form instanceof z.ZodRecord) return form.valueSchema as z.ZodTypeAny;
  if (form instanceof z.ZodObject) return (form.shape as Record<string, z.ZodTypeAny>)[key];
  return undefined;
}
