/**
 * Who is told that a client has gone: nobody; one, which is kept as it is, as nearly every request has no more; or several, in the order in which they asked.
 */
export type AbortListeners = (() => void) | (() => void)[] | undefined;

/** The same and one more. A list that is given is changed. */
export function withAbortListener(listeners: AbortListeners, listener: () => void): AbortListeners {
  if (listeners === undefined) return listener;
  if (typeof listeners === 'function') return [listeners, listener];
  listeners.push(listener);
  return listeners;
}

/** Calls each. What one throws is thrown when all have been called. */
export function tellAborted(listeners: AbortListeners): void {
  if (listeners === undefined) return;
  if (typeof listeners === 'function') {
    listeners();
    return;
  }
  const errors: unknown[] = [];
  for (const listener of listeners) {
    try {
      listener();
    } catch (error) {
      errors.push(error);
    }
  }
  if (errors.length > 0) throw errors[0];
}
