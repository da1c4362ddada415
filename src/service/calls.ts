/**
 * Calls between a process and one that it has started, over the channel of child_process: a call has an id, and its answer the same.
 * What comes is from a process of ours, perhaps of another version: what is not understood is passed over.
 */
import { BootError, ConfigError, ListenError, XgiError, type ErrorCode } from '../errors.js';

/** Either end of the channel: `process` in the child, the ChildProcess in the parent. */
export interface Port {
  readonly connected: boolean;
  send?(message: Message, sent: () => void): unknown;
  on(event: 'message', listener: (message: unknown) => void): unknown;
}

type Message =
  | { readonly id: number; readonly call: string; readonly args: readonly unknown[] }
  | { readonly id: number; readonly value: unknown }
  | { readonly id: number; readonly error: WireError };

interface WireError {
  readonly name: string;
  readonly code: string;
  readonly message: string;
  readonly detail?: string | undefined;
}

/** The other end's functions, by their name. */
export type Answers = Readonly<Record<string, (...args: never[]) => unknown>>;

export class Calls {
  readonly #port: Port;
  readonly #waiting = new Map<
    number,
    { resolve: (value: unknown) => void; reject: (error: Error) => void }
  >();
  #lastId = 0;
  #gone: XgiError | undefined;

  /** @param answers what the other end may call here */
  constructor(port: Port, answers: Answers) {
    this.#port = port;
    port.on('message', (message) =>
      this.#receive(message as Partial<Record<keyof Message, unknown>>, answers),
    );
  }

  /** @throws what the other end has thrown; XgiError `XGI_GATEWAY_EXIT` if it has gone */
  call(name: string, ...args: readonly unknown[]): Promise<unknown> {
    if (this.#gone !== undefined) return Promise.reject(this.#gone);
    const id = ++this.#lastId;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      this.#send({ id, call: name, args });
    });
  }

  /** The other end has gone: what waits for it fails, and what is called later. */
  close(reason: string): void {
    this.#gone ??= new XgiError('XGI_GATEWAY_EXIT', `a gateway process ended: ${reason}`);
    for (const { reject } of this.#waiting.values()) reject(this.#gone);
    this.#waiting.clear();
  }

  #send(message: Message): void {
    // That it fails is told by the end of the channel; without a function for it, it would be an exception.
    if (this.#port.connected) this.#port.send?.(message, () => {});
    else this.close('its channel is closed');
  }

  #receive(message: object, answers: Answers): void {
    const { id, call, args, value, error } = message as Record<string, unknown>;
    if (typeof id !== 'number') return;
    if (typeof call === 'string') {
      void this.#answer(id, answers[call], args as never[]);
      return;
    }
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    if (error === undefined) waiting?.resolve(value);
    else waiting?.reject(readError(error as WireError));
  }

  async #answer(id: number, answer: Answers[string] | undefined, args: never[]): Promise<void> {
    try {
      this.#send({ id, value: await answer?.(...args) });
    } catch (error) {
      this.#send({ id, error: writeError(error as Error) });
    }
  }
}

function writeError(error: Error): WireError {
  const { code, detail } = error instanceof XgiError ? error : { code: 'XGI_INTERNAL', detail: error.stack };
  return { name: error.name, code, message: error.message, detail };
}

const CLASSES = [BootError, ConfigError, ListenError] as const;

function readError({ name, code, message, detail }: WireError): Error {
  const Class = CLASSES.find((known) => known.name === name) ?? XgiError;
  return new Class(code as ErrorCode, message, detail === undefined ? {} : { detail });
}
