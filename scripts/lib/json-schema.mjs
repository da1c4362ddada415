/**
 * The JSON Schema (draft 2020-12) of configuration files, from the zod schema that reads them. zod 4 has such a converter for its own schemas,
 * and none for those of `zod/v3`, which are used here (docs/decisions/0003-zod-entry.md). It knows what the schema of xgi uses, and throws at the rest.
 */

/**
 * @param schema userConfigSchema
 * @param descriptions name of a setting → what it is for
 */
export function createConfigSchema(schema, descriptions) {
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: 'Configuration of xgi',
    ...convert(schema, descriptions),
  };
}

function convert(schema, descriptions = {}) {
  const { _def: def } = schema;
  const expects = def.description === undefined ? {} : { description: def.description };
  switch (def.typeName) {
    case 'ZodObject':
      return convertObject(schema, descriptions);
    case 'ZodOptional':
      return convert(def.innerType, descriptions);
    case 'ZodArray':
      return {
        type: 'array',
        items: convert(def.type),
        ...(def.minLength && { minItems: def.minLength.value }),
      };
    case 'ZodRecord':
      return { type: 'object', additionalProperties: convert(def.valueType, descriptions) };
    case 'ZodUnion':
      return { anyOf: def.options.filter(isInFiles).map((option) => convert(option)) };
    case 'ZodPipeline':
      return convert(def.in);
    case 'ZodEffects':
      // A custom check of xgi's takes text or a number, and says in words what it expects.
      return { ...convert(def.schema), ...expects };
    case 'ZodAny':
      return { type: ['string', 'number'], ...expects };
    case 'ZodString':
      return { type: 'string', ...expects };
    case 'ZodNumber':
      return {
        type: def.checks.some(({ kind }) => kind === 'int') ? 'integer' : 'number',
        ...boundsOf(def.checks),
      };
    case 'ZodBoolean':
      return { type: 'boolean' };
    case 'ZodEnum':
      return { enum: def.values };
    case 'ZodLiteral':
      return { const: def.value };
    default:
      throw new Error(`the JSON Schema of ${def.typeName} is not known here`);
  }
}

function convertObject(schema, descriptions) {
  const inFiles = Object.entries(schema.shape).filter(([, value]) => isInFiles(value));
  const properties = inFiles.map(([name, value]) => {
    const converted = convert(value, descriptions);
    const texts = [descriptions[name], converted.description && `Expected: ${converted.description}`];
    const description = texts.filter(Boolean).join('. ');
    return [name, description === '' ? converted : { ...converted, description }];
  });
  const required = inFiles.filter(([, value]) => !value.isOptional()).map(([name]) => name);
  const isOpen = schema._def.catchall._def.typeName !== 'ZodNever';
  return {
    type: 'object',
    properties: Object.fromEntries(properties),
    ...(required.length > 0 && { required }),
    additionalProperties: isOpen,
  };
}

/** YAML and JSON have no functions. */
function isInFiles({ description }) {
  return description !== 'in a configuration that is a module';
}

function boundsOf(checks) {
  const bounds = checks.flatMap(({ kind, value }) =>
    kind === 'min' ? [['minimum', value]] : kind === 'max' ? [['maximum', value]] : [],
  );
  return Object.fromEntries(bounds);
}

/** The texts of `--help`, by the names of settings. @param program of commander */
export function describeFlags(program) {
  return Object.fromEntries(program.options.map((option) => [option.attributeName(), option.description]));
}
