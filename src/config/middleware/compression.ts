import { z } from 'zod/v3';
import { parseSize, SIZE_FORM } from '../units.js';
import { option, options, wholeNumber } from '../values.js';

const CODING = 'one of br, zstd, gzip';
const TYPE = 'a media type in lower case, for example text/html, or text/*';

/** Options of the middleware `compression`. */
export const compressionOptions = options({
  /** The first that a client takes as gladly as any is used. zstd is left out where this Node has none. Default br, zstd, gzip. */
  codings: z
    .array(z.enum(['br', 'zstd', 'gzip'], { errorMap: () => ({ message: CODING }) }), {
      invalid_type_error: `a list: ${CODING}`,
    })
    .nonempty(`a list: ${CODING}`)
    .optional(),
  /** Of gzip. Default 5. */
  level: wholeNumber(1, 9),
  /** Of brotli. Default 4. */
  brotliLevel: wholeNumber(0, 11),
  /** Of zstd. Default 3. */
  zstdLevel: wholeNumber(1, 19),
  /** Shorter bodies stay as they are. Default 1kb. */
  minSize: option(SIZE_FORM, parseSize),
  /** In the place of those that are compressed by default: text, JSON, XML, JavaScript, SVG, WebAssembly and their like. */
  types: z
    .array(
      z
        .string({ invalid_type_error: TYPE })
        .regex(/^[a-z0-9!#$&^_.+-]+\/(?:\*|[a-z0-9!#$&^_.+-]+)$/, TYPE)
        .describe(TYPE),
      { invalid_type_error: `a list: ${TYPE}` },
    )
    .nonempty(`a list: ${TYPE}`)
    .optional(),
});
