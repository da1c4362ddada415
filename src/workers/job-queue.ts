/** Jobs that wait, first come first served. Taking one out of the middle costs no more than one at the front, and frees it. */
import type { Job } from './job.js';

interface Node {
  readonly job: Job;
  previous: Node | undefined;
  next: Node | undefined;
}

export class JobQueue {
  readonly #nodes = new Map<Job, Node>();
  #first: Node | undefined;
  #last: Node | undefined;

  get size(): number {
    return this.#nodes.size;
  }

  /** The job that has waited longest. */
  get first(): Job | undefined {
    return this.#first?.job;
  }

  push(job: Job): void {
    const node: Node = { job, previous: this.#last, next: undefined };
    if (this.#last === undefined) this.#first = node;
    else this.#last.next = node;
    this.#last = node;
    this.#nodes.set(job, node);
  }

  /** Takes out the first job. */
  shift(): Job | undefined {
    const job = this.#first?.job;
    if (job !== undefined) this.delete(job);
    return job;
  }

  /** @returns whether the job was there */
  delete(job: Job): boolean {
    const node = this.#nodes.get(job);
    if (node === undefined) return false;
    this.#nodes.delete(job);
    if (node.previous === undefined) this.#first = node.next;
    else node.previous.next = node.next;
    if (node.next === undefined) this.#last = node.previous;
    else node.next.previous = node.previous;
    // A dead node in the old generation would keep all that came after it alive to the next full collection.
    node.previous = node.next = undefined;
    return true;
  }

  /** Takes out all jobs, in order. */
  clear(): Job[] {
    const jobs: Job[] = [];
    for (let node = this.#first; node !== undefined; node = node.next) jobs.push(node.job);
    this.#nodes.clear();
    this.#first = this.#last = undefined;
    return jobs;
  }
}
