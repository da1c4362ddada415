import { together } from '../issue.js';
import { options, string } from '../values.js';

const TEXT = 'text: HTML';

/** Options of the middleware `injectHtml`. */
export const injectHtmlOptions = options({
  /** Comes before `</head>`. */
  head: string(TEXT).optional(),
  /** Comes before `</body>`. */
  body: string(TEXT).optional(),
}).refine(({ head, body }) => head !== undefined || body !== undefined, together('head or body', 'neither'));
