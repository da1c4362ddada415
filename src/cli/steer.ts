/** The commands that steer a running xgi: parses the words, and runs the one command's own file. */
import { describeFailure } from './failure.js';
import { SteerError } from './steer-error.js';
import { parseSteerLine, type SteerLine } from './steer-line.js';
import type { SteerName } from './steer-names.js';

const NO_ANSWER = 4;

/**
 * @returns the exit status; 4 if no xgi answers
 * @throws ConfigError for a wrong flag, word or value
 */
export async function runSteer(name: SteerName, words: readonly string[]): Promise<number> {
  const line = parseSteerLine(name, words);
  try {
    const run = await loadCommand(name);
    return await run(line);
  } catch (error) {
    if (!(error instanceof SteerError)) throw error;
    process.stderr.write(describeFailure(error));
    return NO_ANSWER;
  }
}

async function loadCommand(name: SteerName): Promise<(line: SteerLine) => Promise<number>> {
  switch (name) {
    case 'status':
      return (await import('./status.js')).runStatus;
    case 'reload':
      return (await import('./reload.js')).runReload;
    case 'stop':
      return (await import('./stop.js')).runStop;
    case 'scale':
      return (await import('./scale.js')).runScale;
  }
}
