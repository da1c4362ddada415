/** What one program writes to its standard error: line by line to the log, and the last lines kept for the message that tells of its failure. */
import { StringDecoder } from 'node:string_decoder';

const MAX_LAST_LENGTH = 4096;
const MAX_LAST_LINES = 10;
/** A longer line is passed on in parts. */
const MAX_LINE_LENGTH = 8192;

export class ErrorOutput {
  readonly #pass: (line: string) => void;
  readonly #decoder = new StringDecoder('utf8');
  #line = '';
  #last = '';

  /** @param pass takes a line without its end */
  constructor(pass: (line: string) => void) {
    this.#pass = pass;
  }

  push(chunk: Buffer): void {
    const lines = (this.#line + this.#decoder.write(chunk)).split('\n');
    this.#line = lines.pop()!;
    for (const line of lines) this.#complete(line);
    while (this.#line.length > MAX_LINE_LENGTH) {
      this.#complete(this.#line.slice(0, MAX_LINE_LENGTH));
      this.#line = this.#line.slice(MAX_LINE_LENGTH);
    }
  }

  /** Nothing more comes. */
  end(): void {
    const rest = this.#line + this.#decoder.end();
    this.#line = '';
    if (rest !== '') this.#complete(rest);
  }

  /** The last lines; '' if there are none. */
  get last(): string {
    return (this.#last + this.#line).trimEnd().split('\n').slice(-MAX_LAST_LINES).join('\n');
  }

  #complete(line: string): void {
    const text = line.endsWith('\r') ? line.slice(0, -1) : line;
    this.#last = `${this.#last}${text}\n`.slice(-MAX_LAST_LENGTH);
    if (text !== '') this.#pass(text);
  }
}
