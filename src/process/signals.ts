/**
 * What signals mean, as for gunicorn: TERM stops gracefully, INT and QUIT stop quickly, USR1 opens log files again.
 *
 * HUP is ignored when no standard stream is a terminal, else it keeps its default meaning: the terminal has gone.
 * Node sets every signal to its default when it starts, so a gateway started with nohup(1) would die of the hang-up
 * it was to survive, and so would one that a service manager sends HUP, meaning reload.
 */
import { isatty } from 'node:tty';

export type StopSignal = 'SIGTERM' | 'SIGINT' | 'SIGQUIT';

export interface SignalHandlers {
  readonly stop: (signal: StopSignal) => void;
  readonly reopen: () => void;
  readonly hangUp: () => void;
}

/** Installs the handlers. @returns takes them away again */
export function handleSignals({ stop, reopen, hangUp }: SignalHandlers): () => void {
  const listeners: [NodeJS.Signals, (signal: NodeJS.Signals) => void][] = [
    ['SIGTERM', () => stop('SIGTERM')],
    ['SIGINT', () => stop('SIGINT')],
    ['SIGQUIT', () => stop('SIGQUIT')],
    // Always: without a listener, Node opens its debugger on USR1.
    ['SIGUSR1', reopen],
  ];
  if (![0, 1, 2].some((fd) => isatty(fd))) listeners.push(['SIGHUP', hangUp]);
  for (const [signal, listener] of listeners) process.on(signal, listener);
  return () => {
    for (const [signal, listener] of listeners) process.off(signal, listener);
  };
}
