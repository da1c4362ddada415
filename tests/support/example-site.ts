/** `npm start`, without the network: with the Django of the tests, and data in a temporary directory. */
import path from 'node:path';
import { repository } from './paths.js';
import { Program } from './process.js';
import { testPython } from './test-env.js';

const START = path.join(repository, 'scripts/start.mjs');

export interface StartOptions {
  /** A folder: what a start makes in it, the next one finds. */
  readonly data: string;
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

/** Starts the script without waiting for anything. */
export function spawnStart({ data, args = [], env }: StartOptions): Program {
  return new Program(process.execPath, [START, ...args], {
    env: {
      PORT: undefined,
      XGI_CMD_ARGS: undefined,
      PYTHON: testPython(),
      SITE_DATA: data,
      ...env,
    },
  });
}

/** Starts it on a free port of the loopback interface. The caller stops the program. */
export async function startExampleSite(options: StartOptions): Promise<{ program: Program; origin: string }> {
  const program = spawnStart({ ...options, args: ['-b', '127.0.0.1:0', ...(options.args ?? [])] });
  // A developer may have edited a source since the last build: then the script builds first.
  const [, origin] = await program.waitForOutput(
    /Open (https?:\/\/[^/]+:\d+)\/ in a browser.*\n.*\n/,
    60_000,
  );
  return { program, origin: origin! };
}
