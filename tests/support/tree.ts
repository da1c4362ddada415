/** Folders of files, for tests that look at what lies where. */
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';

/** Path → content; a path that ends in a slash is a folder, a `[link]` leads there. Files `*.cgi` and in `cgi-bin` are executable. */
export type Tree = Readonly<Record<string, string | readonly [string]>>;

export function writeTree(folder: string, tree: Tree): void {
  for (const [name, content] of Object.entries(tree)) {
    const file = path.join(folder, name);
    mkdirSync(name.endsWith('/') ? file : path.dirname(file), { recursive: true });
    if (typeof content !== 'string') symlinkSync(content[0], file);
    else if (!name.endsWith('/'))
      writeFileSync(file, content, { mode: /\.cgi$|^cgi-bin\//.test(name) ? 0o755 : 0o644 });
  }
}
