/** The recorder of tests/support/wsgi-frames.ts, which also notes what zygotes, watching workers and launchers say. */
import { FrameDecoder } from '../../../src/wire/decoder.js';
import type { ProgramEnd } from '../../../src/wire/frames.js';
import { joined as joinBodies, Recorder, type Told as ToldByWorker } from '../../support/wsgi-frames.js';

export type Told =
  | ToldByWorker
  | { readonly call: 'files'; readonly paths: readonly string[] }
  | {
      readonly call: 'forked';
      readonly id: number;
      readonly pid: number | null;
      readonly error: string | null;
    }
  | {
      readonly call: 'exited';
      readonly pid: number;
      readonly code: number | null;
      readonly signal: number | null;
    }
  | { readonly call: 'started'; readonly stream: number; readonly pid: number; readonly warm: boolean }
  | { readonly call: 'stderr'; readonly stream: number; readonly bytes: string }
  | { readonly call: 'programEnded'; readonly stream: number; readonly end: ProgramEnd }
  | { readonly call: 'bodyCredit'; readonly stream: number; readonly bytes: number }
  | { readonly call: 'bodyClosed'; readonly stream: number };

class FullRecorder extends Recorder {
  override readonly told: ToldByWorker[] = [];

  files(paths: readonly string[]): void {
    this.#note({ call: 'files', paths });
  }
  forked(id: number, pid: number | null, error: string | null): void {
    this.#note({ call: 'forked', id, pid, error });
  }
  exited(pid: number, code: number | null, signal: number | null): void {
    this.#note({ call: 'exited', pid, code, signal });
  }
  started(stream: number, pid: number, warm: boolean): void {
    this.#note({ call: 'started', stream, pid, warm });
  }
  stderr(stream: number, bytes: Buffer): void {
    this.#note({ call: 'stderr', stream, bytes: bytes.toString('latin1') });
  }
  programEnded(stream: number, end: ProgramEnd): void {
    this.#note({ call: 'programEnded', stream, end });
  }

  bodyCredit(stream: number, bytes: number): void {
    this.#note({ call: 'bodyCredit', stream, bytes });
  }
  bodyClosed(stream: number): void {
    this.#note({ call: 'bodyClosed', stream });
  }

  #note(told: Told): void {
    this.told.push(told as ToldByWorker);
  }
}

/** A decoder that lets everybody in, and what it tells. */
export function recordingDecoder(): {
  decoder: FrameDecoder;
  recorder: { told: Told[] };
  authenticated: string[];
} {
  const recorder = new FullRecorder();
  const authenticated: string[] = [];
  const decoder = new FrameDecoder((token, channel) => {
    authenticated.push(token + channel);
    return recorder;
  });
  return { decoder, recorder, authenticated };
}

/** The decoder of a launcher's channel, and what it tells. */
export function launcherDecoder(): { decoder: FrameDecoder; recorder: { told: Told[] } } {
  const recorder = new FullRecorder();
  return { decoder: FrameDecoder.launcher(recorder), recorder };
}

/** As the one of tests/support/wsgi-frames.ts. */
export function joined(told: readonly Told[]): Told[] {
  return joinBodies(told as readonly ToldByWorker[]);
}
