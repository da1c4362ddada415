import { z } from 'zod/v3';
import { parseSize, SIZE_FORM } from '../units.js';
import { duration, option, options, record, string, wholeNumber } from '../values.js';

export const STYLESHEET_FORM = 'the path of a stylesheet, for example ./page.xsl';
const PARAMETERS = 'an object: names of parameters, and their values as text';
const VALUE = 'the value of a parameter as text';
const MEDIA_TYPE = 'a media type, for example text/html';
const TYPE = 'a media type in lower case, for example application/xml';

/** Options of the middleware `xslt`. */
export const xsltOptions = options({
  /** What it includes and imports lies in its folder, or below. */
  stylesheet: z
    .string({ required_error: STYLESHEET_FORM, invalid_type_error: STYLESHEET_FORM })
    .min(1, STYLESHEET_FORM)
    .describe(STYLESHEET_FORM),
  /** For its `xsl:param`; as text, not as XPath. */
  parameters: record(
    z
      .string({ invalid_type_error: VALUE })
      .regex(/^[^\0]*$/, VALUE)
      .describe('text'),
    {
      expected: PARAMETERS,
      key: 'the name of a parameter: letters, digits, _, - and .',
      isKey: (name) => /^[A-Za-z_][\w.-]*$/.test(name),
    },
  ).optional(),
  /** Of the answers that it is applied to. Default application/xml, text/xml. */
  types: z
    .array(string(TYPE).regex(/^[a-z0-9!#$&^_.+-]+\/[a-z0-9!#$&^_.+-]+$/, TYPE), {
      invalid_type_error: `a list: ${TYPE}`,
    })
    .nonempty(`a list: ${TYPE}`)
    .optional(),
  /** Of what comes out. Default by xsl:output; without a method, text/html. */
  mediaType: string(MEDIA_TYPE)
    .regex(/^[\w.+-]+\/[\w.+-]+(?: *; *[\w-]+=[\w-]+)*$/, MEDIA_TYPE)
    .optional(),
  /** Of the XML, and of what comes out; more is a 502. Default 10mb. */
  maxSize: option(SIZE_FORM, parseSize),
  /** How long one may take; 504 then. Default 5 s. */
  timeout: duration(),
  /** Memory of each run. Default 512mb. */
  memory: option(SIZE_FORM, parseSize),
  /** Runs at a time; others wait. Default 4. */
  concurrency: wholeNumber(1, 1000),
});
