/**
 * Jobs that wait, first come first served. Taking one out of the middle costs no more than one at the front, and frees it.
 *
 * A chain through the jobs themselves, cut behind each that leaves: a Map, or a dead link in the old generation, would keep what came
 * after it alive to the next full collection (see task-table.ts).
 */
import type { Job } from './job.js';

/** Where a job waits. Only its queue reads and writes it. */
export interface JobPlace {
  readonly queue: JobQueue;
  previous: Job | undefined;
  next: Job | undefined;
}

export class JobQueue {
  #size = 0;
  #first: Job | undefined;
  #last: Job | undefined;

  get size(): number {
    return this.#size;
  }

  /** The job that has waited longest. */
  get first(): Job | undefined {
    return this.#first;
  }

  /** @param job which waits nowhere else */
  push(job: Job): void {
    job.place = { queue: this, previous: this.#last, next: undefined };
    if (this.#last === undefined) this.#first = job;
    else this.#last.place!.next = job;
    this.#last = job;
    this.#size++;
  }

  /** Takes out the first job. */
  shift(): Job | undefined {
    const job = this.#first;
    if (job !== undefined) this.delete(job);
    return job;
  }

  /** @returns whether the job was there */
  delete(job: Job): boolean {
    const { place } = job;
    if (place === undefined || place.queue !== this) return false;
    if (place.previous === undefined) this.#first = place.next;
    else place.previous.place!.next = place.next;
    if (place.next === undefined) this.#last = place.previous;
    else place.next.place!.previous = place.previous;
    place.previous = place.next = undefined;
    job.place = undefined;
    this.#size--;
    return true;
  }

  /** Takes out all jobs, in order. */
  clear(): Job[] {
    const jobs: Job[] = [];
    for (let job = this.shift(); job !== undefined; job = this.shift()) jobs.push(job);
    return jobs;
  }
}
