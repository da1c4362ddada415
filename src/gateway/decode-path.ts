/**
 * A path of a request target as programs are given it in SCRIPT_NAME and PATH_INFO: percent-decoded once, each byte as a character (PEP 3333,
 * "Unicode Issues"). What is no escape stays as it is, and so does what is no UTF-8: `%E4` is one character, `%C3%A4` are two. Never throws.
 */
export function decodePath(path: string): string {
  return path.replaceAll(/%([0-9A-Fa-f]{2})/g, (_, digits: string) =>
    String.fromCharCode(Number.parseInt(digits, 16)),
  );
}
