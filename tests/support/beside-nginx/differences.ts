/**
 * How xgi differs from nginx, and is meant to. Each class is explained under its name in docs/decisions/0006-static-semantics.md.
 *
 * A difference is of the first class that it fits; order matters where a path breaks several rules.
 */
import type { Difference } from './compare.js';

export interface DifferenceClass {
  /** A heading of the document. */
  readonly name: string;
  /** One of these fits. */
  readonly rules: readonly Rule[];
}

/** What is not there fits all. A pattern of a value has to fit all of it. */
interface Rule {
  readonly about: string;
  readonly nginx?: RegExp;
  readonly xgi?: RegExp;
  /** Of both: where it differs, it is what it is about. */
  readonly status?: number;
  readonly method?: RegExp;
  /** Of the target without the query, as it was sent; a part. */
  readonly target?: RegExp;
  /** Of the same, percent-decoded; a part. */
  readonly path?: RegExp;
  /** Of the lines of the fields, joined by ` | `; a part. */
  readonly fields?: RegExp;
}

const SERVED = /200|206|301|304|403|404|412/;
const LATER = String.raw`(?:Fri, 01 Jan 2021|Fri, 31 Dec 9999|Wed, 01 Jan 2020 12:00:60)`;
const NOT_SAME = String.raw`(?:Fri, 01 Jan 2021|Tue, 01 Jan 2019)`;
const MATCHES = String.raw`(?:\{etag\}|\{weak\}|\*)`;

export const CLASSES: readonly DifferenceClass[] = [
  // Paths
  {
    name: 'Dot segments are refused',
    rules: [{ about: 'status', nginx: SERVED, xgi: /400/, path: /\/\.\.?(?:\/|$)/ }],
  },
  {
    name: 'Encoded slashes are refused',
    rules: [{ about: 'status', nginx: /200|301|403/, xgi: /404/, target: /%2f/i }],
  },
  {
    name: 'Control characters are a 400',
    rules: [{ about: 'status', nginx: /404/, xgi: /400/, target: /%(?:0a|7f)/ }],
  },
  {
    name: 'Empty segments are a 404',
    rules: [{ about: 'status', nginx: /200|301|403/, xgi: /404/, target: /\/\// }],
  },
  {
    name: 'Names with a dot are hidden',
    rules: [{ about: 'status', nginx: /200|301|403/, xgi: /404/, path: /^\/\.hid/ }],
  },
  {
    name: 'Links that lead out are a 404',
    rules: [{ about: 'status', nginx: /200|301|403/, xgi: /404/, path: /^\/out/ }],
  },
  {
    name: 'What cannot be shown is a 404',
    rules: [
      { about: 'status', nginx: /403/, xgi: /404/, path: /^\/bare\/$/ },
      { about: 'status', nginx: /403/, xgi: /404/, path: /^\/loop\.txt(?:\/a*)?$/ },
    ],
  },
  {
    name: 'A folder is no index',
    rules: [{ about: 'status', nginx: /301/, xgi: /404/, path: /^\/hollow\/$/ }],
  },
  {
    name: 'A redirect keeps the spelling',
    rules: [{ about: 'location', nginx: /\/[a-z]+\//, xgi: /(?:\/(?:%[0-9a-f]{2})+)+\//, status: 301 }],
  },
  // Preconditions
  {
    name: 'If-Modified-Since compares times',
    rules: [
      {
        about: 'status',
        nginx: /200/,
        xgi: /304/,
        fields: new RegExp(`^(?!.*(?:If-None-Match|If-Match: "other")).*If-Modified-Since: ${LATER}`),
      },
    ],
  },
  {
    name: 'If-None-Match hides If-Modified-Since',
    rules: [
      {
        about: 'status',
        nginx: /200/,
        xgi: /304/,
        fields: new RegExp(`If-None-Match: ${MATCHES} \\| If-Modified-Since: ${NOT_SAME}`),
      },
    ],
  },
  {
    name: 'If-Match hides If-Unmodified-Since',
    rules: [
      {
        about: 'status',
        nginx: /412/,
        xgi: /200|304/,
        fields: /If-Match: (?:\{etag\}|\*) \| If-Unmodified-Since: Tue, 01 Jan 2019/,
      },
    ],
  },
  {
    name: 'What is no date does not count',
    rules: [
      {
        about: 'status',
        nginx: /412/,
        xgi: /200/,
        fields:
          /^If-Unmodified-Since: (?:wed, |01 Jan|Wed, 1 Jan|Wed, 01 Jan 2020 (?:12:00 |24|12:60)|Wed, 31 Jun|2020|1577880000|0$|yesterday)/,
      },
      {
        about: 'status',
        nginx: /304/,
        xgi: /200/,
        fields: /^If-Modified-Since: "?Wed, 01 Jan 2020 12:00:00(?:$| UTC| \+0000| GMT; length=1000| GMT"$)/,
      },
    ],
  },
  {
    name: 'A leap second is a time',
    rules: [
      {
        about: 'status',
        nginx: /412/,
        xgi: /200/,
        fields: /^If-Unmodified-Since: Wed, 01 Jan 2020 12:00:60 GMT$/,
      },
    ],
  },
  {
    name: 'A star in a list is no list',
    rules: [
      { about: 'status', nginx: /200/, xgi: /412/, fields: /^If-Match: \*, \{etag\}$/ },
      { about: 'status', nginx: /304/, xgi: /200/, fields: /^If-None-Match: \*, \{etag\}$/ },
    ],
  },
  {
    name: 'A 412 has the validators',
    rules: [
      { about: 'etag', nginx: /none/, xgi: /strong/, status: 412 },
      { about: 'last-modified', nginx: /none/, xgi: /Wed, 01 Jan 2020 12:00:00 GMT/, status: 412 },
    ],
  },
  // Ranges
  {
    name: 'Malformed ranges do not count',
    rules: [
      {
        about: 'status',
        nginx: /416/,
        xgi: /200/,
        fields: /^Range: bytes=(?:-|--1|0|5-2|a-b|0x1-2|\+1-2|1\.0-2|0-9;x|0-9,a)(?: \||$)/,
      },
      { about: 'status', nginx: /206/, xgi: /200/, fields: /^Range: bytes=(?:0 - 9|0-9,9-5)(?: \||$)/ },
    ],
  },
  {
    name: 'Empty members of a list do not count',
    rules: [{ about: 'status', nginx: /416/, xgi: /206/, fields: /^Range: bytes=(?:0-9,|,0-9)(?: \||$)/ }],
  },
  {
    name: 'Numbers may be of any length',
    rules: [
      {
        about: 'status',
        nginx: /416/,
        xgi: /200|206/,
        fields: /^Range: bytes=(?:0)?-99999999999999999999(?: \||$)/,
      },
    ],
  },
  {
    name: 'Of nothing there are no parts',
    rules: [
      { about: 'status', nginx: /200/, xgi: /416/, path: /^\/empty\.txt$/ },
      { about: 'status', nginx: /200/, xgi: /416/, fields: /^Range: bytes=-0(?: \||$)/ },
    ],
  },
  {
    name: 'Many ranges do not count',
    rules: [{ about: 'status', nginx: /206/, xgi: /200/, fields: /^Range: bytes=(?:\d+-\d+,){39}/ }],
  },
  {
    name: 'Parts that nearly touch become one',
    rules: [
      { about: 'status', nginx: /200/, xgi: /206/, fields: /^Range: bytes=0-,0-(?: \||$)/ },
      {
        about: 'content-type',
        nginx: /multipart\/byteranges/,
        xgi: /text\/plain; charset=utf-8/,
        status: 206,
      },
      { about: 'content-length', nginx: /of several parts/, xgi: /15|30|150|200/, status: 206 },
      { about: 'content-range', nginx: /none/, xgi: /bytes 0-(?:14|29|149|199)\/\d+/, status: 206 },
      {
        about: 'body',
        nginx: /content-range: .* \+ content-range: .*/,
        xgi: /\d+ bytes [0-9a-f]+/,
        status: 206,
      },
    ],
  },
  {
    name: 'A part says that there are parts',
    rules: [{ about: 'accept-ranges', nginx: /none/, xgi: /bytes/, status: 206 }],
  },
  {
    name: 'HEAD has no ranges',
    rules: [{ about: 'status', nginx: /206/, xgi: /200/, method: /^HEAD$/, fields: /^Range: / }],
  },
  // Negotiation
  {
    name: 'Compressed files have parts',
    rules: [
      { about: 'accept-ranges', nginx: /none/, xgi: /bytes/, status: 200, fields: /Accept-Encoding: / },
      { about: 'status', nginx: /200/, xgi: /206/, fields: /^Accept-Encoding: gzip \| .*Range: bytes=2-5/ },
      {
        about: 'status',
        nginx: /200/,
        xgi: /416/,
        fields: /^Accept-Encoding: gzip \| .*Range: bytes=9999999-/,
      },
    ],
  },
  {
    name: 'br and zstd beside gzip',
    rules: ['content-encoding', 'content-length', 'body'].map((about) => ({
      about,
      path: /^\/all\.css$/,
      fields: /^Accept-Encoding: (?:gzip, br|br|zstd|br, zstd|\*|zstd;q=0\.2, br;q=0\.1, gzip;q=0)$/,
    })),
  },
  {
    name: 'Accept-Encoding is read whole',
    rules: ['content-encoding', 'content-length', 'body', 'accept-ranges'].map((about) => ({
      about,
      status: 200,
      fields: /^Accept-Encoding: (?:x-gzip|\*|gzip;x=1|gzip;q=0\.1, identity)$/,
    })),
  },
  {
    name: 'A compressed file is not enough',
    rules: [
      { about: 'status', nginx: /200/, xgi: /404/, path: /^\/only\.js$/, fields: /gzip/i },
      { about: 'vary', nginx: /Accept-Encoding/, xgi: /none/, path: /only\.js$/, status: 404 },
    ],
  },
  // Methods
  {
    name: 'Allow says which methods there are',
    rules: [{ about: 'allow', nginx: /none/, xgi: /GET, HEAD, OPTIONS/, status: 405 }],
  },
  {
    name: 'OPTIONS is answered',
    rules: [{ about: 'status', nginx: /405/, xgi: /204/, method: /^OPTIONS$/ }],
  },
  {
    name: 'The method is looked at before the path',
    rules: [{ about: 'status', nginx: /301|403|404/, xgi: /405/, method: /^POST$/ }],
  },
  {
    name: 'Methods in small letters are methods',
    rules: [{ about: 'status', nginx: /400/, xgi: /405/, method: /[a-z]/ }],
  },
  // Media types
  {
    name: 'Text says its charset',
    rules: [
      {
        about: 'content-type',
        nginx: /text\/css|application\/(?:json|atom\+xml|xhtml\+xml)/,
        xgi: /.*; charset=utf-8/,
      },
    ],
  },
  {
    name: 'Media types are those that are registered now',
    rules: [
      {
        about: 'content-type',
        nginx: /application\/javascript; charset=utf-8/,
        xgi: /text\/javascript; charset=utf-8/,
      },
      { about: 'content-type', nginx: /text\/xml; charset=utf-8/, xgi: /application\/xml; charset=utf-8/ },
      { about: 'content-type', nginx: /image\/x-icon/, xgi: /image\/vnd\.microsoft\.icon/ },
      { about: 'content-type', nginx: /image\/x-ms-bmp/, xgi: /image\/bmp/ },
      { about: 'content-type', nginx: /application\/x-rar-compressed/, xgi: /application\/vnd\.rar/ },
    ],
  },
  {
    name: 'More endings are known',
    rules: [
      {
        about: 'content-type',
        nginx: /application\/octet-stream/,
        xgi: /.*/,
        target: /\.(?:mjs|map|csv|md|ics|ttf|otf|gz|tar|wav|webmanifest|yaml|toml)$/,
      },
    ],
  },
];

/** The class that explains it; undefined for none. */
export function classOf(difference: Difference): DifferenceClass | undefined {
  return CLASSES.find(({ rules }) => rules.some((rule) => fits(rule, difference)));
}

function fits(rule: Rule, { asked, about, nginx, xgi, status }: Difference): boolean {
  const target = asked.target.replace(/\?.*/, '');
  return (
    rule.about === about &&
    isWhole(rule.nginx, nginx) &&
    isWhole(rule.xgi, xgi) &&
    (rule.status ?? status) === status &&
    hasPart(rule.method, asked.method) &&
    hasPart(rule.target, target) &&
    hasPart(rule.path, decoded(target)) &&
    hasPart(rule.fields, asked.fields.join(' | '))
  );
}

function isWhole(pattern: RegExp | undefined, value: string): boolean {
  return pattern === undefined || new RegExp(`^(?:${pattern.source})$`).test(value);
}

function hasPart(pattern: RegExp | undefined, value: string): boolean {
  return pattern?.test(value) ?? true;
}

function decoded(target: string): string {
  return target.replaceAll(/%([0-9a-f]{2})/gi, (_, digits: string) =>
    String.fromCharCode(Number.parseInt(digits, 16)),
  );
}
