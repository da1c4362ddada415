/** The first line of a script, read as the kernel reads it (Linux `fs/binfmt_script.c`). */

/** What the kernel looks at of a file that it is to execute. */
export const HEAD_BYTES = 256;

export type ProgramFormat =
  /** Machine code, which the kernel runs by itself. */
  | { readonly kind: 'binary' }
  /** The interpreter is absolute or not, as the line has it; the argument is one, with white space inside, or null. */
  | { readonly kind: 'script'; readonly interpreter: string; readonly argument: string | null }
  /** A script whose first line ends in CR LF: the kernel takes the CR for a part of the interpreter's name. */
  | { readonly kind: 'crlf' }
  /** A byte order mark hides the `#!` from the kernel. */
  | { readonly kind: 'bom' }
  | { readonly kind: 'empty' }
  | { readonly kind: 'unknown' };

const BINARY_MAGICS: readonly string[] = [
  '\x7fELF',
  // Mach-O: 32 and 64 bits in both byte orders, and several architectures in one file.
  ...['\xfe\xed\xfa\xce', '\xce\xfa\xed\xfe', '\xfe\xed\xfa\xcf', '\xcf\xfa\xed\xfe', '\xca\xfe\xba\xbe'],
];

/**
 * Says how the kernel would run a file.
 *
 * @param head the first {@link HEAD_BYTES} of the file, or all of it; byte text
 */
export function readFormat(head: string): ProgramFormat {
  if (head === '') return { kind: 'empty' };
  if (head.startsWith('\xef\xbb\xbf#!')) return { kind: 'bom' };
  if (BINARY_MAGICS.some((magic) => head.startsWith(magic))) return { kind: 'binary' };
  if (!head.startsWith('#!')) return { kind: 'unknown' };
  const line = /^[^\n]*/.exec(head.slice(2))![0];
  if (line.endsWith('\r')) return { kind: 'crlf' };
  const words = /^[ \t]*([^ \t\0]+)[ \t]*([^\0]*)/.exec(line);
  if (words === null) return { kind: 'unknown' };
  const argument = words[2]!.replace(/[ \t]+$/, '');
  return { kind: 'script', interpreter: words[1]!, argument: argument === '' ? null : argument };
}
