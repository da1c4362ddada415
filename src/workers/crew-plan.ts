/**
 * Who is started and who is dismissed, so that there are as many workers as there should be, with the present code. Make before
 * break: a worker that serves is dismissed only when there is one too many. Pure: tests/unit/workers/crew-plan.test.ts.
 */

/** What the plan needs to know of a worker. */
export interface Member {
  /** It has loaded the application. */
  readonly isReady: boolean;
  /** It is to end. */
  readonly draining: boolean;
  /** It has the present code, and no reason to be replaced. */
  readonly isFresh: boolean;
  /** Requests sent and not ended. */
  readonly inFlight: number;
}

export interface CrewAims {
  /** Workers that there should be. */
  readonly size: number;
  /** Workers whose start is waited for already, as one of them failed before. */
  readonly delayed: number;
  /** The present code has been loaded once: until then, it is tried with one worker. */
  readonly proven: boolean;
  /** The most that may load the application at a time. */
  readonly maxBooting: number;
}

export interface CrewPlan<M> {
  readonly dismiss: readonly M[];
  /** How many are to be started. */
  readonly boot: number;
}

export function planCrew<M extends Member>(members: Iterable<M>, aims: CrewAims): CrewPlan<M> {
  const present = [...members].filter((member) => !member.draining);
  const booting = present.filter((member) => !member.isReady && member.isFresh);
  const serving = present.filter((member) => member.isReady);
  const outdated = present.filter((member) => !member.isReady && !member.isFresh);

  const surplus = Math.max(0, serving.length - aims.size);
  const leaving = serving.toSorted(leavesBefore).slice(0, surplus);
  const fresh = serving.filter((member) => member.isFresh && !leaving.includes(member));
  const missing = aims.size - fresh.length - booting.length - aims.delayed;
  const unwanted = missing < 0 ? booting.slice(missing) : [];

  const mayBoot = (aims.proven ? aims.maxBooting : 1) - booting.length;
  return {
    dismiss: [...outdated, ...leaving, ...unwanted],
    boot: Math.max(0, Math.min(missing, mayBoot)),
  };
}

/** Those that are to be replaced first, then those that have least to do; of equals the older. */
function leavesBefore(a: Member, b: Member): number {
  if (a.isFresh !== b.isFresh) return a.isFresh ? 1 : -1;
  return a.inFlight - b.inFlight;
}
