/** A file of htpasswd that is read again when it has changed. */
import { closeSync, constants, fstatSync, openSync, readFileSync, statSync } from 'node:fs';
import type { Log } from '../../types.js';
import { parseUsers, type Users, UsersError } from './users.js';

/** A stat takes some microseconds: once a second they are nothing, and no request waits for another's. */
const INTERVAL_MS = 1000;
/** Written to as lately as that when it was read, it may be written to again and look the same. */
const UNSETTLED_MS = 2000;

export class UserFile {
  readonly #path: string;
  readonly #log: Log;
  #users: Users;
  #version: string;
  #lookedAtMs: number;
  /** Logged last: an error is logged once, not each second. */
  #problem = '';

  /** @throws UsersError, or the system's error, if it cannot be used */
  constructor(path: string, log: Log) {
    this.#path = path;
    this.#log = log;
    this.#lookedAtMs = performance.now();
    const { users, version } = read(path);
    if (users.size === 0) throw new UsersError('it has no users');
    this.#users = users;
    this.#version = version;
  }

  /** Those of the file as it was a second ago, or later. One that cannot be read, or has a mistake, changes nothing. */
  users(): Users {
    const nowMs = performance.now();
    if (nowMs - this.#lookedAtMs < INTERVAL_MS) return this.#users;
    this.#lookedAtMs = nowMs;
    try {
      this.#refresh();
      this.#problem = '';
    } catch (error) {
      this.#report((error as Error).message);
    }
    return this.#users;
  }

  #refresh(): void {
    const { mtimeNs, ctimeNs, size, ino } = statSync(this.#path, { bigint: true });
    if (`${mtimeNs} ${ctimeNs} ${size} ${ino}` === this.#version) return;
    const { users, version } = read(this.#path, this.#users);
    if (users.size === 0 && this.#users.size > 0)
      this.#log.warn(`${this.#path} has no users any more: nobody is let in`);
    this.#users = users;
    this.#version = version;
  }

  #report(problem: string): void {
    if (problem === this.#problem) return;
    this.#problem = problem;
    this.#log.error(
      `XGI_AUTH_USERS: ${this.#path} cannot be used, and the users stay as they were: ${problem}`,
      {
        code: 'XGI_AUTH_USERS',
      },
    );
  }
}

function read(path: string, before?: Users): { readonly users: Users; readonly version: string } {
  // Opening a pipe would wait for its other end.
  const fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const stat = fstatSync(fd, { bigint: true });
    if (!stat.isFile()) throw new UsersError('it is not a file');
    const users = parseUsers(readFileSync(fd), before);
    const isSettled = Date.now() - Number(stat.mtimeMs) > UNSETTLED_MS;
    const version = isSettled ? `${stat.mtimeNs} ${stat.ctimeNs} ${stat.size} ${stat.ino}` : '';
    return { users, version };
  } finally {
    closeSync(fd);
  }
}
