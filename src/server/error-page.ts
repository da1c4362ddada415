/** The page that a developer's browser is shown for an error, with `--dev`: what the log would say, as HTML. */
import { escapeHtml } from '../http/html.js';

export interface ErrorPage {
  /** `502 Bad Gateway` */
  readonly title: string;
  readonly code: string;
  readonly message: string;
  /** A traceback, the last lines of a program; '' if there is none. */
  readonly detail: string;
  readonly requestId: string | undefined;
}

const STYLE = `
:root { color-scheme: light dark }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 3rem auto; padding: 0 1.5rem }
h1 { font-size: 1.1rem; font-weight: 600; opacity: .7; margin: 0 }
h2 { font: 600 1.4rem/1.3 ui-monospace, monospace; color: #c0392b; margin: .2rem 0 1rem }
p { white-space: pre-wrap; overflow-wrap: anywhere }
pre { font: 14px/1.45 ui-monospace, monospace; padding: 1rem; border-left: 3px solid #c0392b; background: #8881; overflow-x: auto }
footer { font-size: .85rem; opacity: .6; margin-top: 2rem }`;

/** For the field Content-Security-Policy: nothing that a program or a client has put into the text can load or run anything. */
export const PAGE_POLICY =
  "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'";

export function formatErrorPage({ title, code, message, detail, requestId }: ErrorPage): string {
  const more = detail === '' ? '' : `<pre>${escapeHtml(detail)}</pre>\n`;
  const request = requestId === undefined ? '' : `Request ${escapeHtml(requestId)}. `;
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>${escapeHtml(`${title}: ${code}`)}</title>
<style>${STYLE}</style>
<h1>${escapeHtml(title)}</h1>
<h2>${escapeHtml(code)}</h2>
<p>${escapeHtml(message)}</p>
${more}<footer>${request}Shown because xgi runs with --dev; without it a client sees the status and the code only.</footer>
</html>
`;
}
