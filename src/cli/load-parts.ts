/**
 * Loads what serves, one part after the other. Node opens all files at once that are as far from an entry in the graph of imports: together
 * they would be more than a process may have open with `ulimit -n 64`, which is enough for all else.
 */
export async function loadParts(): Promise<void> {
  await import('../server/server.js');
  await import('../service/wsgi-application.js');
  await import('../service/cgi-application.js');
  await import('../service/static-application.js');
  await import('../service/app-application.js');
}
