/** What a contender of the benchmarks of static files is asked to serve: the files of a folder, as the root of the site. */
import type { WebEnvironment } from '../../environment/web-environment.js';
import type { Contender, StartRequest } from '../contender.js';

export interface StaticFolder {
  readonly root: string;
}

export type StaticContender = Contender<StaticFolder, WebEnvironment>;
export type StaticStartRequest = StartRequest<StaticFolder, WebEnvironment>;
