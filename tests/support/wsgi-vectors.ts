/** The shared vectors of the worker protocol, which the tests of both sides read: tests/vectors/frames.json. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { repository } from './paths.js';

type Way = 'to-worker' | 'to-gateway';
type ChannelName = 'data' | 'control' | 'zygote' | 'launcher';

/** A frame as fields; which ones there are depends on the type, see "about" in the file. */
export interface VectorFrame {
  readonly type: string;
  readonly stream: number;
  readonly flags: number;
  readonly settings?: unknown;
  readonly environ?: readonly (readonly [string, string])[];
  readonly bodyHex?: string;
  readonly credit?: number;
  readonly streams?: readonly number[];
  readonly payloadHex?: string;
  readonly token?: string;
  readonly role?: string;
  readonly info?: unknown;
  readonly serviceTime?: number;
  readonly status?: string;
  readonly headers?: readonly (readonly [string, string])[];
  readonly failure?: unknown;
  readonly offset?: number;
  readonly length?: number;
  readonly device?: string;
  readonly inode?: string;
  readonly size?: string;
  readonly mtimeNs?: string;
  readonly path?: string;
  readonly text?: string;
  readonly command?: unknown;
}

export interface ValidVector {
  readonly name: string;
  readonly way: Way;
  readonly channel: ChannelName;
  readonly hex: string;
  readonly frame: VectorFrame;
}

export interface CorruptVector {
  readonly name: string;
  readonly way: Way;
  readonly channel: ChannelName;
  readonly hex: string;
  readonly error: string;
}

const vectors = JSON.parse(readFileSync(path.join(repository, 'tests/vectors/frames.json'), 'utf8')) as {
  readonly valid: readonly ValidVector[];
  readonly corrupt: readonly CorruptVector[];
};

export function validVectors(way: Way): readonly ValidVector[] {
  return vectors.valid.filter((vector) => vector.way === way);
}

export function corruptVectors(way: Way): readonly CorruptVector[] {
  return vectors.corrupt.filter((vector) => vector.way === way);
}
