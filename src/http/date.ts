/** HTTP-date (RFC 9110 section 5.6.7). */

let second = -1;
let text = '';

/** The current time as an IMF-fixdate, made once a second: `Sun, 06 Nov 1994 08:49:37 GMT`. */
export function httpDate(): string {
  const now = Math.floor(Date.now() / 1000);
  if (now !== second) {
    second = now;
    text = formatHttpDate(now * 1000);
  }
  return text;
}

/** As an IMF-fixdate; what is left of a second is dropped. */
export function formatHttpDate(timeMs: number): string {
  return new Date(timeMs).toUTCString();
}

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];
/** The 60th is a leap second. */
const TIME = String.raw`(?<h>[01]\d|2[0-3]):(?<m>[0-5]\d):(?<s>[0-5]\d|60)`;
const FORMS = [
  new RegExp(String.raw`^\w{3}, (?<day>\d{2}) (?<month>\w{3}) (?<year>\d{4}) ${TIME} GMT$`),
  // RFC 850, and that of asctime: obsolete, but to be read.
  new RegExp(String.raw`^\w{6,9}, (?<day>\d{2})-(?<month>\w{3})-(?<year>\d{2}) ${TIME} GMT$`),
  new RegExp(String.raw`^\w{3} (?<month>\w{3}) (?<day>[ \d]\d) ${TIME} (?<year>\d{4})$`),
] as const;

/** Any of the three forms that a recipient has to read → milliseconds; undefined if it is none. */
export function parseHttpDate(date: string): number | undefined {
  for (const form of FORMS) {
    const groups = form.exec(date)?.groups;
    if (groups !== undefined) return timeOf(groups);
  }
  return undefined;
}

function timeOf(groups: Readonly<Record<string, string>>): number | undefined {
  const month = MONTHS.indexOf(groups['month']!);
  const day = Number(groups['day']);
  const year = groups['year']!.length === 4 ? Number(groups['year']) : fullYear(Number(groups['year']));
  const timeMs = Date.UTC(year, month, day, Number(groups['h']), Number(groups['m']), Number(groups['s']));
  // The 31st of June would be the 1st of July.
  return month === -1 || new Date(Date.UTC(year, month, day)).getUTCDate() !== day ? undefined : timeMs;
}

/** Two digits that seem to be more than 50 years ahead are of the past. */
function fullYear(digits: number): number {
  const thisYear = new Date().getUTCFullYear();
  const year = thisYear - (thisYear % 100) + digits;
  return year > thisYear + 50 ? year - 100 : year;
}
