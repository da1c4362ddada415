/** HTTP-date (RFC 9110 section 5.6.7), made once a second. */

let second = -1;
let text = '';

/** The current time as an IMF-fixdate: `Sun, 06 Nov 1994 08:49:37 GMT`. */
export function httpDate(): string {
  const now = Math.floor(Date.now() / 1000);
  if (now !== second) {
    second = now;
    text = new Date(now * 1000).toUTCString();
  }
  return text;
}
