/** What a program may set: the settings of the configuration file, but for what concerns a process as a whole. */
import type { UserConfig } from '../config/schema.js';
import type { Handler, Log } from '../types.js';

/** Theirs to do that start processes; a program is one already. */
export const OF_THE_PROCESS = [
  '$schema',
  'allowRoot',
  'controlSocket',
  'gateways',
  'group',
  'pid',
  'reload',
  'reloadExtraFile',
  'umask',
  'user',
] as const satisfies readonly (keyof UserConfig)[];

type OfTheProcess = (typeof OF_THE_PROCESS)[number];

/** Where the messages go of what a program makes. */
export interface LibraryOptions {
  /** Where messages go, `console` for example. Default: standard error, from {@link logLevel} on. */
  readonly log?: Log | undefined;
  /** Default `warning`. */
  readonly logLevel?: UserConfig['logLevel'];
}

/** Of one application: the settings that stand in `apps` of a configuration file, by the same names. */
export type ApplicationOptions = LibraryOptions &
  Omit<NonNullable<UserConfig['apps']>[string], OfTheProcess | 'target' | 'kind'> &
  Pick<UserConfig, 'gracefulTimeout'>;

/** An application in this process has no workers, no environment and no deadlines of its own. */
export const OF_INLINE_APPLICATIONS = [
  'chdir',
  'gracefulTimeout',
  'middleware',
] as const satisfies readonly (keyof ApplicationOptions)[];

/** Of an application that runs in this process. */
export type InlineOptions = LibraryOptions &
  Pick<ApplicationOptions, (typeof OF_INLINE_APPLICATIONS)[number]>;

/** Of a server: the settings of a configuration file, by the same names. */
export type ServerSettings = LibraryOptions &
  Omit<UserConfig, OfTheProcess> & {
    /** What answers every request; instead of `target`, or of `apps` and `routes`. Started and closed with the server. */
    readonly handler?: Handler;
  };
