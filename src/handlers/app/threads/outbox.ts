/** Messages to another thread: those of one turn of the event loop leave together. */
import type { MessagePort, Transferable } from 'node:worker_threads';
import { messageOf } from '../../../errors.js';

export class Outbox<Message> {
  readonly #port: Pick<MessagePort, 'postMessage'>;
  readonly #instead: (message: Message, why: string) => Message | undefined;
  #messages: Message[] = [];
  #bytes: Transferable[] = [];

  /** @param instead what is sent in the place of a message that cannot be: it has a value that no other thread can get, such as a function */
  constructor(
    port: Pick<MessagePort, 'postMessage'>,
    instead: (message: Message, why: string) => Message | undefined,
  ) {
    this.#port = port;
    this.#instead = instead;
  }

  send(message: Message): void {
    this.#messages.push(message);
    if (this.#messages.length === 1) setImmediate(() => this.flush());
  }

  /** @param make gets bytes that go with the message. @param chunk is copied */
  sendBytes(chunk: Uint8Array, make: (bytes: Uint8Array) => Message): void {
    const bytes = new Uint8Array(chunk);
    this.#bytes.push(bytes.buffer as ArrayBuffer);
    this.send(make(bytes));
  }

  flush(): void {
    if (this.#messages.length === 0) return;
    const messages = this.#messages;
    const bytes = this.#bytes;
    this.#messages = [];
    this.#bytes = [];
    try {
      this.#port.postMessage(messages, bytes);
    } catch {
      // Nothing has left. One of them is at fault, and the others are of other requests.
      for (const message of messages) this.#sendAlone(message);
    }
  }

  #sendAlone(message: Message): void {
    try {
      this.#port.postMessage([message]);
    } catch (error) {
      const instead = this.#instead(message, `a value cannot leave its thread: ${messageOf(error)}`);
      if (instead !== undefined) this.#port.postMessage([instead]);
    }
  }
}
