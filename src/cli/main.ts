#!/usr/bin/env node
/**
 * The entry of the command line. What a run does not need is not loaded: `xgi --version` loads neither the schema
 * nor the server.
 *
 * Exit status: 0 done or stopped by a signal; 1 failed to run (an address in use); 2 a wrong flag, variable or file;
 * 3 the application cannot be loaded; 4 no xgi answers a command for one that runs.
 */
import { CommanderError } from 'commander';
import { parseCommandLine } from './command-line.js';
import { exit } from './exit.js';
import { awaitSteering } from '../process/signals.js';
import { describeFailure, exitStatusOf } from './failure.js';
import { findSteerName } from './steer-names.js';
import { readVersion } from '../service/version.js';

async function main(): Promise<number> {
  const version = readVersion();
  const argv = process.argv.slice(2);
  const [first, ...words] = argv[0] === 'help' ? [...argv.slice(1, 2), '--help'] : argv;
  const command = findSteerName(first);
  try {
    if (command !== undefined) {
      const { runSteer } = await import('./steer.js');
      return await runSteer(command, words);
    }
    awaitSteering();
    const commandLine = parseCommandLine(argv, process.env, version);
    const { runWsgi } = await import('./wsgi.js');
    return await runWsgi(commandLine, version);
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode;
    process.stderr.write(describeFailure(error));
    return exitStatusOf(error);
  }
}

// A reader that has gone (`xgi --help | head -1`) is no reason to crash.
process.stdout.on('error', () => {});
process.stderr.on('error', () => {});

await exit(await main());
