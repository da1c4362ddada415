/** Runs programs that end by themselves, and makes sure that none outlives the benchmark. */
import { spawn } from 'node:child_process';

export interface ProgramCommand {
  readonly program: string;
  readonly args: readonly string[];
  readonly cwd?: string;
  /** Ours, if absent. */
  readonly env?: Readonly<Record<string, string>>;
  /** After that it is killed. */
  readonly limitMs: number;
}

/** Each leads a process group: what it starts is killed with it. */
const running = new Set<number>();

/** Resolves with what it wrote to stdout. @throws with what it wrote to both when it fails or takes too long. */
export function runProgram({ program, args, cwd, env, limitMs }: ProgramCommand): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'], detached: true });
    const { pid } = child;
    if (pid !== undefined) running.add(pid);
    const timer = setTimeout(() => pid !== undefined && killGroup(pid), limitMs);
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
    child.once('error', reject);
    child.once('close', (code, signal) => {
      clearTimeout(timer);
      if (pid !== undefined) running.delete(pid);
      if (code === 0) resolve(stdout);
      else reject(new Error(`${program} ended with ${signal ?? `status ${code}`}:\n${stderr}${stdout}`));
    });
  });
}

/** For the exit event. */
export function killAllPrograms(): void {
  for (const pid of running) killGroup(pid);
  running.clear();
}

function killGroup(pid: number): void {
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // It has just ended.
  }
}
