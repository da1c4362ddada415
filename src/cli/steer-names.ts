/** The commands that steer an xgi that runs. A module of such a name is served with `xgi wsgi NAME`. */
export const STEER_NAMES = ['status', 'reload', 'stop', 'scale'] as const;

export type SteerName = (typeof STEER_NAMES)[number];

export function findSteerName(word: string | undefined): SteerName | undefined {
  return STEER_NAMES.find((name) => name === word);
}
