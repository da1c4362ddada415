/** Percent-decoded, each byte as a character (PEP 3333, "Unicode Issues"). What is no escape stays as it is. */
export function decodePath(path: string): string {
  return path.replaceAll(/%([0-9A-Fa-f]{2})/g, (_, digits: string) =>
    String.fromCharCode(Number.parseInt(digits, 16)),
  );
}
