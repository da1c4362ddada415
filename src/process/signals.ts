/**
 * What signals mean, as for gunicorn: TERM stops gracefully, INT and QUIT stop quickly, USR1 opens log files again.
 *
 * What gunicorn does on HUP, USR2, TTIN and TTOU, this version cannot; the handler is told, so that somebody is.
 * Without it, scripts written for gunicorn would end the gateway or stop it for good, in silence. Node sets every
 * signal to its default when it starts, so even a gateway started with nohup(1) would die of the hang-up.
 *
 * Where a standard stream is a terminal, HUP, TTIN and TTOU are the terminal's and keep their default meaning: it has
 * gone, or a job in the background uses it. With a handler for TTOU, each write of such a job would raise it again.
 */
import { isatty } from 'node:tty';

export type StopSignal = 'SIGTERM' | 'SIGINT' | 'SIGQUIT';

/** Signals of gunicorn that this version has no answer to. */
export type AbsentSignal = 'SIGHUP' | 'SIGUSR2' | 'SIGTTIN' | 'SIGTTOU';

export interface SignalHandlers {
  readonly stop: (signal: StopSignal) => void;
  readonly reopen: () => void;
  readonly ignore: (signal: AbsentSignal) => void;
}

const FROM_TERMINALS = ['SIGHUP', 'SIGTTIN', 'SIGTTOU'] as const;

/** Installs the handlers. @returns takes them away again */
export function handleSignals({ stop, reopen, ignore }: SignalHandlers): () => void {
  const listeners: [NodeJS.Signals, (signal: NodeJS.Signals) => void][] = [
    ['SIGTERM', () => stop('SIGTERM')],
    ['SIGINT', () => stop('SIGINT')],
    ['SIGQUIT', () => stop('SIGQUIT')],
    // Always: without a listener, Node opens its debugger on USR1.
    ['SIGUSR1', reopen],
    ['SIGUSR2', () => ignore('SIGUSR2')],
  ];
  if (![0, 1, 2].some((fd) => isatty(fd)))
    for (const signal of FROM_TERMINALS) listeners.push([signal, () => ignore(signal)]);
  for (const [signal, listener] of listeners) process.on(signal, listener);
  return () => {
    for (const [signal, listener] of listeners) process.off(signal, listener);
  };
}
