/** `wsgi.errors`: text, which the log gets line by line. */
import type { WsgiErrors } from './wsgi-types.js';

/** A line without an end is given out at this length. */
const MAX_LINE_LENGTH = 8192;

export class LineErrors implements WsgiErrors {
  readonly #print: (line: string) => void;
  #unfinished = '';

  /** @param print gets lines without their ends */
  constructor(print: (line: string) => void) {
    this.#print = print;
  }

  write(text: string): void {
    const lines = `${this.#unfinished}${text}`.split('\n');
    this.#unfinished = lines.pop()!;
    for (const line of lines) this.#print(line);
    if (this.#unfinished.length > MAX_LINE_LENGTH) this.flush();
  }

  flush(): void {
    if (this.#unfinished === '') return;
    this.#print(this.#unfinished);
    this.#unfinished = '';
  }

  writelines(lines: Iterable<string>): void {
    for (const line of lines) this.write(line);
  }
}
