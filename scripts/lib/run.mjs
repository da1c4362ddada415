/** Running other programs from the scripts of this folder. No dependencies: these run before `npm ci`. */
import { spawn, spawnSync } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

export const repository = path.resolve(fileURLToPath(import.meta.url), '../../..');

/** Runs a program in the repository with this terminal's output; its exit status, 127 if it cannot start. */
export function run(command, args, env = {}) {
  return runTo(process.stdout.fd, command, args, env);
}

/** The same for a step on the way to what was asked for: all it says goes to stderr. */
export function runStep(command, args, env = {}) {
  return runTo(process.stderr.fd, command, args, env);
}

function runTo(stdout, command, args, env) {
  const result = spawnSync(command, args, {
    cwd: repository,
    env: { ...process.env, ...env },
    stdio: ['ignore', stdout, 'inherit'],
  });
  if (result.error) console.error(`${command}: ${result.error.message}`);
  return result.status ?? (result.error ? 127 : 1);
}

/** Runs a program quietly. `output` is what it wrote to stdout and stderr. */
export function capture(command, args, env = {}) {
  const result = spawnSync(command, args, {
    cwd: repository,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
  });
  const output = (result.stdout ?? '') + (result.stderr ?? '') + (result.error?.message ?? '');
  return { status: result.status ?? 127, stdout: (result.stdout ?? '').trim(), output: output.trim() };
}

/** Runs a program with its output both shown and returned. */
export async function runAndCapture(command, args, env = {}) {
  const child = spawn(command, args, {
    cwd: repository,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  const keep = (chunk) => {
    output += chunk;
    process.stdout.write(chunk);
  };
  child.stdout.setEncoding('utf8').on('data', keep);
  child.stderr.setEncoding('utf8').on('data', keep);
  const status = await new Promise((resolve) => {
    child.on('close', (code) => resolve(code ?? 1));
    child.on('error', (error) => {
      keep(`${command}: ${error.message}\n`);
      resolve(127);
    });
  });
  return { status, output };
}

/** The absolute path of a program on PATH; undefined if there is none. */
export function which(name) {
  for (const folder of (process.env.PATH ?? '').split(path.delimiter)) {
    const candidate = path.join(folder, name);
    try {
      accessSync(candidate, constants.X_OK);
      return candidate;
    } catch {
      // Not here.
    }
  }
  return undefined;
}

/** Where programs say what went wrong. */
export function lastLine(text) {
  return text.trim().split('\n').at(-1) ?? '';
}
