/** Why a file cannot be read, in words, for the end of a message. */

/** @param error of the system; or another, whose message is given as it is */
export function whyUnreadable(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  switch (code) {
    case 'ENOENT':
    case 'ENOTDIR':
      return 'there is no such file';
    case 'EACCES':
      return `user ${process.geteuid?.()} may not read it`;
    case 'EISDIR':
      return 'it is a folder';
    case 'ELOOP':
      return 'it is a symbolic link that leads to itself';
    default:
      return message;
  }
}
