/** Which content a coding makes shorter. Pictures, films, fonts for the web and archives are compressed already. */

const BY_DEFAULT = [
  ...['text/*', 'application/json', 'application/javascript', 'application/xml', 'application/xhtml+xml'],
  ...['application/rss+xml', 'application/atom+xml', 'application/manifest+json', 'application/ld+json'],
  ...[
    'application/x-ndjson',
    'application/graphql',
    'application/sql',
    'application/yaml',
    'application/toml',
  ],
  ...['application/wasm', 'application/vnd.ms-fontobject', 'application/rtf', 'application/x-tar'],
  ...['application/x-javascript', 'font/ttf', 'font/otf', 'image/svg+xml', 'image/bmp', 'image/x-icon'],
  ...['image/vnd.microsoft.icon', 'message/*', 'model/gltf+json'],
];
/** Structured syntax suffixes (RFC 6839): whatever it is, it is written in text. */
const TEXT_SUFFIX = /\+(?:json|xml|yaml)$/;

/** @param types `text/*` stands for all texts. Default those that gain. @returns a test of a type in lower case, without parameters */
export function typeTest(types: readonly string[] | undefined): (type: string) => boolean {
  const names = new Set(types ?? BY_DEFAULT);
  return (type) =>
    names.has(type) ||
    names.has(`${type.slice(0, type.indexOf('/'))}/*`) ||
    (types === undefined && TEXT_SUFFIX.test(type));
}
