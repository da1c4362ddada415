/**
 * Byte text: a string with one character for each byte (latin-1), as header values are. Paths, names and values of variables are
 * carried so, because they may be of any bytes, and come out as the bytes that went in.
 */

/** The same text, with memory of its own: of a part of a head, V8 keeps the whole head for as long as the part is kept. */
export function detached(byteText: string): string {
  return Buffer.from(byteText, 'latin1').toString('latin1');
}

/** The bytes that it stands for, for calls of the system. */
export function bytesOf(byteText: string): Buffer {
  return Buffer.from(byteText, 'latin1');
}

/** Text of ours, a path of Node's, → the byte text of its UTF-8. */
export function toByteText(text: string): string {
  return Buffer.from(text, 'utf8').toString('latin1');
}

/** For people, and for what takes text only: bytes that are no UTF-8 become U+FFFD. */
export function toText(byteText: string): string {
  return Buffer.from(byteText, 'latin1').toString('utf8');
}
