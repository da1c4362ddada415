import { z } from 'zod/v3';
import { string } from '../values.js';

const TEXT = 'text: HTML';

/** Options of the middleware `injectHtml`. */
export const injectHtmlOptions = z.strictObject({
  /** Comes before `</head>`. */
  head: string(TEXT).optional(),
  /** Comes before `</body>`. */
  body: string(TEXT).optional(),
});
