/** What signals are called. */
import { constants } from 'node:os';

/** Aliases come later, and nobody knows SIGABRT as SIGIOT. */
const NAMES = new Map(
  Object.entries(constants.signals)
    .toReversed()
    .map(([name, number]) => [number, name]),
);

/** `SIGABRT` for 6; undefined for one without a name. */
export function signalName(number: number): string | undefined {
  return NAMES.get(number);
}
