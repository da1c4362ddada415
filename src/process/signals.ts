/**
 * What signals mean, as for gunicorn: TERM stops gracefully, INT and QUIT stop quickly, HUP reloads, USR1 opens log files again,
 * USR2 starts a successor, TTIN and TTOU add and remove a worker.
 *
 * Where a standard stream is a terminal, HUP, TTIN and TTOU are the terminal's and keep their default meaning: it has
 * gone, or a job in the background uses it. With a handler for TTOU, each write of such a job would raise it again.
 * Node sets every signal to its default when it starts, so even a gateway started with nohup(1) would die of the hang-up.
 */
import { isatty } from 'node:tty';

export type StopSignal = 'SIGTERM' | 'SIGINT' | 'SIGQUIT';
export type SteeringSignal = 'SIGHUP' | 'SIGUSR1' | 'SIGUSR2' | 'SIGTTIN' | 'SIGTTOU';

export interface SignalHandlers {
  /** undefined leaves these signals as they are. */
  readonly stop: ((signal: StopSignal) => void) | undefined;
  readonly steer: (signal: SteeringSignal) => void;
}

const STOP: readonly StopSignal[] = ['SIGTERM', 'SIGINT', 'SIGQUIT'];
// USR1 always: without a listener, Node opens its debugger on it.
const STEER: readonly SteeringSignal[] = ['SIGUSR1', 'SIGUSR2'];
const STEER_WITHOUT_TERMINAL: readonly SteeringSignal[] = ['SIGHUP', 'SIGTTIN', 'SIGTTOU'];

/** Installs the handlers. @returns takes them away again */
export function handleSignals({ stop, steer }: SignalHandlers): () => void {
  const hasTerminal = [0, 1, 2].some((fd) => isatty(fd));
  const listeners: [NodeJS.Signals, () => void][] = [
    ...(stop === undefined
      ? []
      : STOP.map((signal) => [signal, () => stop(signal)] as [NodeJS.Signals, () => void])),
    ...[...STEER, ...(hasTerminal ? [] : STEER_WITHOUT_TERMINAL)].map(
      (signal) => [signal, () => steer(signal)] as [NodeJS.Signals, () => void],
    ),
  ];
  for (const [signal, listener] of listeners) process.on(signal, listener);
  return () => {
    for (const [signal, listener] of listeners) process.off(signal, listener);
  };
}

/**
 * For the time until there is something to steer: by default, HUP, TTIN, TTOU and USR2 would end or stop the process, and on USR1 Node opens its
 * debugger to everybody on the machine.
 */
export function awaitSteering(): void {
  handleSignals({ stop: undefined, steer: () => {} });
}

/** For a process that is steered by another one: a terminal and a service manager signal the whole group. */
export function ignoreSignals(): void {
  handleSignals({ stop: () => {}, steer: () => {} });
}
