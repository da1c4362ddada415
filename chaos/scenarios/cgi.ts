/**
 * CGI programs that hang, fail, are killed, and are left by their clients; launchers that are killed. When all is over nothing is left: no
 * process, no descriptor, no file, no place that is taken; and each request had exactly one outcome, and one that it may have.
 */
import { randomFillSync } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { crc32 } from 'node:zlib';
import { sendSingle, type Fate, type Leaving } from '../load/single-request.js';
import { type LoadReport, Tally } from '../load/tally.js';
import { until } from '../poll.js';
import { Checks, type Scenario } from '../scenario.js';
import { Programs, type Holdings } from '../server/programs.js';
import type { Site } from '../server/site.js';
import { withSite } from '../under-load.js';

interface Kind {
  readonly program: string;
  /** Of a hundred requests. */
  readonly share: number;
  readonly body?: boolean;
  /** What may become of it if nobody kills anything; a status, or `cut`. */
  readonly own: readonly string[];
  /** What may, besides, if something of it was killed. */
  readonly killed: readonly string[];
}

const DIED = ['502', 'cut'];

const KINDS: readonly Kind[] = [
  { program: 'answer.sh', share: 26, own: ['200'], killed: DIED },
  { program: 'answer.py', share: 20, own: ['200'], killed: DIED },
  { program: 'body.py', share: 14, body: true, own: ['200'], killed: DIED },
  { program: 'ignores-body.sh', share: 6, body: true, own: ['200'], killed: DIED },
  { program: 'long.sh', share: 6, own: ['200'], killed: DIED },
  { program: 'slow.sh', share: 6, own: ['200'], killed: DIED },
  { program: 'redirect.sh', share: 5, own: ['200'], killed: DIED },
  { program: 'complain.sh', share: 4, own: ['502'], killed: [] },
  { program: 'kill-itself.sh', share: 3, own: ['502'], killed: [] },
  { program: 'no-head.sh', share: 3, own: ['502'], killed: [] },
  { program: 'missing.sh', share: 1, own: ['404'], killed: [] },
  { program: 'hang.sh', share: 1.5, own: ['504'], killed: ['502'] },
  { program: 'hang.py', share: 1.5, own: ['504'], killed: ['502'] },
  { program: 'begin-and-hang.sh', share: 1, own: ['cut'], killed: ['502'] },
  // If its child is killed, its answer is complete.
  { program: 'leave-a-child.sh', share: 1, own: ['cut'], killed: ['200', '502'] },
  { program: 'stubborn.sh', share: 1, own: ['504'], killed: ['502'] },
];

/** Of all requests. */
const LEAVING_SHARE = 0.2;
const CONCURRENCY = 16;
const CLIENTS = 24;
/** More than an honest program is ever silent, on a machine that is busy with all of this. */
const FLAGS = [
  '--cgi-idle-timeout',
  '2s',
  '--cgi-concurrency',
  String(CONCURRENCY),
  '--graceful-timeout',
  '5s',
];
const KILL_PROGRAM_EVERY_MS = 150;
/** Of the kills of programs. */
const ZYGOTE_SHARE = 0.05;
const KILL_LAUNCHER_EVERY_MS = 4000;
const BODIES = [0, 1, 1000, 65_536, 65_537, 200_000, 1_000_000];
const NOISE = randomFillSync(Buffer.alloc(Math.max(...BODIES)));

export const cgi: Scenario = {
  name: 'cgi',
  title: 'CGI programs: kills, timeouts, disconnects, deaths of launchers',
  run: ({ short, say }) =>
    withSite({ kind: 'cgi', target: 'cgi-bin', flags: FLAGS }, async (site) => {
      const programs = new Programs(site);
      const checks = new Checks();
      await warmUp(site, programs);
      const before = await leastHoldings(programs);
      const tally = new Outcomes();
      const killer = new Killer(programs, short ? 3000 : KILL_LAUNCHER_EVERY_MS);
      const beganMs = performance.now();
      await sendAll({ site, count: short ? 600 : 10_000, tally, say });
      const seconds = (performance.now() - beganMs) / 1000;
      await killer.stop();

      await programs.untilIdle();
      const left = await gone(() => programs.pids().length);
      checks.equal('programs that are left', 0, left);
      await warmUp(site, programs);
      const after = await settled(programs, before);
      checks.atMost(
        'descriptors of the gateway, against the beginning',
        before.gatewayDescriptors,
        after.gatewayDescriptors,
      );
      checks.atMost(
        'descriptors of the launchers, against the beginning',
        before.launcherDescriptors,
        after.launcherDescriptors,
      );
      checks.atMost('files in the temporary folder, against the beginning', before.files, after.files);
      tally.check(checks, killer);
      // In the short form a kill may have been quicker, each time.
      if (!short) checks.atLeast('answers 504', 1, tally.answersWith('504'));
      const launchers = await programs.launchers();
      site.signal('SIGTERM');
      const { code, signal } = await site.exited;
      checks.equal('exit', 'status 0', signal ?? `status ${code}`);
      const survivors = await gone(() => launchers.filter(exists).length + programs.pids().length);
      checks.equal('processes after the end', 0, survivors);
      return {
        load: tally.report(),
        checks: checks.list,
        figures: { ...tally.figures(), ...killer.figures(), 'requests/s': Math.round(tally.sent / seconds) },
      };
    }),
};

/** Until things are as they are between two requests: all launchers have a warm interpreter, and their first descriptors are open. */
async function warmUp(site: Site, programs: Programs): Promise<void> {
  const send = (program: string, id: string): Promise<unknown> =>
    sendSingle({ port: site.port, head: headOf(program, id), body: Buffer.alloc(0) });
  for (let i = 0; i < 20; i++) {
    // So many at once that each launcher has its share.
    for (const program of ['answer.sh', 'answer.py'])
      await Promise.all(Array.from({ length: CONCURRENCY }, (_, j) => send(program, `warm-${i}-${j}`)));
  }
  // One that was killed is not replaced at once.
  await until(
    'all launchers to have a warm interpreter',
    async () => {
      await Promise.all(Array.from({ length: CONCURRENCY }, (_, j) => send('answer.py', `warm-${j}`)));
      return (await programs.zygotes()).length >= (await programs.launchers()).length;
    },
    { limitMs: 60_000 },
  );
  await programs.untilIdle();
}

/** What is held while nothing happens: a connection that has just ended may still be counted, so the least of several looks. */
async function leastHoldings(programs: Programs): Promise<Holdings> {
  let least = await programs.holdings();
  for (let look = 0; look < 10; look++) {
    await sleep(20);
    least = minimum(least, await programs.holdings());
  }
  return least;
}

function minimum(a: Holdings, b: Holdings): Holdings {
  return {
    gatewayDescriptors: Math.min(a.gatewayDescriptors, b.gatewayDescriptors),
    launcherDescriptors: Math.min(a.launcherDescriptors, b.launcherDescriptors),
    files: Math.min(a.files, b.files),
  };
}

/** What is held when it is no more than before, or after a while all the same. */
async function settled(programs: Programs, before: Holdings): Promise<Holdings> {
  let now = await programs.holdings();
  const endMs = performance.now() + 10_000;
  while (JSON.stringify(minimum(now, before)) !== JSON.stringify(now) && performance.now() < endMs) {
    await sleep(50);
    now = await programs.holdings();
  }
  return now;
}

/** Waits for nothing to be left; how much is, after a while. */
async function gone(count: () => number): Promise<number> {
  await until('nothing to be left', () => count() === 0, { limitMs: 10_000 }).catch(() => false);
  return count();
}

function exists(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

interface Sending {
  readonly site: Site;
  readonly count: number;
  readonly tally: Outcomes;
  readonly say: (message: string) => void;
}

async function sendAll({ site, count, tally, say }: Sending): Promise<void> {
  const plan = makePlan(count);
  let next = 0;
  const client = async (): Promise<void> => {
    while (next < plan.length) {
      const number = next++;
      if (number > 0 && number % 1000 === 0) say(`${number} of ${plan.length} requests`);
      const { kind, leaves } = plan[number]!;
      const id = `r${number}`;
      const body = kind.body ? Buffer.concat([Buffer.from(id), NOISE.subarray(0, pick(BODIES))]) : undefined;
      const fate = await sendSingle({
        port: site.port,
        head: headOf(kind.program, id, body),
        body: body ?? Buffer.alloc(0),
        ...(leaves ? { leaving: randomLeaving() } : {}),
      });
      tally.add(kind, { id, body, fate });
    }
  };
  await Promise.all(Array.from({ length: CLIENTS }, client));
}

/** All kinds by their shares, in any order; of each, the same share leaves. */
function makePlan(count: number): { kind: Kind; leaves: boolean }[] {
  const total = KINDS.reduce((sum, { share }) => sum + share, 0);
  const plan = KINDS.flatMap((kind) => {
    const own = Math.ceil((count * kind.share) / total);
    return Array.from({ length: own }, (_, i) => ({ kind, leaves: i < own * LEAVING_SHARE - 0.5 }));
  });
  for (let i = plan.length - 1; i > 0; i--) {
    const other = Math.floor(Math.random() * (i + 1));
    [plan[i], plan[other]] = [plan[other]!, plan[i]!];
  }
  return plan;
}

function headOf(program: string, id: string, body?: Buffer): string {
  const [method, length] = body === undefined ? ['GET', ''] : ['POST', `Content-Length: ${body.length}\r\n`];
  return `${method} /${program}?${id} HTTP/1.1\r\nHost: chaos\r\n${length}Connection: close\r\n\r\n`;
}

function randomLeaving(): Leaving {
  return {
    sentShare: pick([0, 0.3, 0.9, 1, 1, 1, 1]),
    afterAnswerBytes: pick([1, 1, 200_000, Infinity]),
    pauseMs: pick([0, 1, 5, 20, 100, 500]),
    reset: Math.random() < 0.5,
  };
}

function pick<T>(all: readonly T[]): T {
  return all[Math.floor(Math.random() * all.length)]!;
}

/** Kills programs and what they have started, and now and then a launcher. */
class Killer {
  readonly #programs: Programs;
  readonly #done: Promise<void>;
  #stopping = false;
  kills = 0;
  launcherKills = 0;
  /** What runs is not touched by it. */
  zygoteKills = 0;

  constructor(programs: Programs, launcherEveryMs: number) {
    this.#programs = programs;
    this.#done = this.#run(launcherEveryMs);
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    await this.#done;
  }

  figures(): Record<string, number> {
    return {
      kills: this.kills,
      'kills of a launcher': this.launcherKills,
      'of a zygote': this.zygoteKills,
    };
  }

  async #run(launcherEveryMs: number): Promise<void> {
    let launcherAtMs = performance.now() + launcherEveryMs;
    while (!this.#stopping) {
      // The pace is that of the scenario.
      await sleep(KILL_PROGRAM_EVERY_MS);
      const pids = this.#programs.pids();
      if (pids.length > 0 && kill(pick(pids))) this.kills++;
      if (Math.random() < ZYGOTE_SHARE)
        for (const pid of await this.#programs.zygotes().catch(() => [])) if (kill(pid)) this.zygoteKills++;
      if (performance.now() < launcherAtMs) continue;
      const launchers = await this.#programs.launchers().catch(() => []);
      if (launchers.length > 0 && kill(pick(launchers))) this.launcherKills++;
      launcherAtMs = performance.now() + launcherEveryMs;
    }
  }
}

function kill(pid: number): boolean {
  try {
    process.kill(pid, 'SIGKILL');
    return true;
  } catch {
    return false;
  }
}

/** What became of the requests. */
class Outcomes {
  readonly #answers = new Map<string, number>();
  readonly #complaints: string[] = [];
  sent = 0;
  #cut = 0;
  #left = 0;
  #lost = 0;
  #wrong = 0;
  /** Outcomes that only a kill explains. */
  #byKill = 0;

  add(kind: Kind, { id, body, fate }: { id: string; body: Buffer | undefined; fate: Fate }): void {
    this.sent++;
    const complain = (why: string): void => {
      if (this.#complaints.length < 20) this.#complaints.push(`${kind.program} ${id}: ${why}`);
    };
    switch (fate.kind) {
      case 'left':
        this.#left++;
        return;
      case 'lost':
      case 'forgotten':
        this.#lost++;
        complain(fate.kind === 'lost' ? `lost: ${fate.why}` : 'no answer for a minute');
        return;
      case 'wrong':
        this.#wrong++;
        complain(fate.why);
        return;
      case 'cut':
        this.#cut++;
        break;
      case 'answered':
        this.#answers.set(
          String(fate.answer.status),
          (this.#answers.get(String(fate.answer.status)) ?? 0) + 1,
        );
    }
    const outcome = fate.kind === 'cut' ? 'cut' : String(fate.answer.status);
    if (kind.killed.includes(outcome)) this.#byKill++;
    else if (!kind.own.includes(outcome)) {
      this.#wrong++;
      complain(`${outcome}, expected ${[...kind.own, ...kind.killed].join(' or ')}`);
    }
    if (outcome === '200' && fate.kind === 'answered' && !isAnswerTo(kind, id, body, fate.answer.body)) {
      this.#wrong++;
      complain(`not its answer: ${JSON.stringify(fate.answer.body.toString('latin1', 0, 100))}`);
    }
  }

  answersWith(status: string): number {
    return this.#answers.get(status) ?? 0;
  }

  check(checks: Checks, { kills, launcherKills }: Killer): void {
    const answered = [...this.#answers.values()].reduce((sum, count) => sum + count, 0);
    checks.equal(
      'requests without exactly one outcome',
      0,
      this.sent - answered - this.#cut - this.#left - this.#lost,
    );
    checks.equal('lost', 0, this.#lost);
    checks.equal('wrong', 0, this.#wrong);
    checks.atLeast('kills', 5, kills);
    checks.atLeast('kills of a launcher', 1, launcherKills);
    // A kill costs the request that it hits, one of the launcher those that run.
    checks.atMost('outcomes that only a kill explains', kills + launcherKills * CONCURRENCY, this.#byKill);
    for (const status of ['200', '404', '502'])
      checks.atLeast(`answers ${status}`, 1, this.answersWith(status));
  }

  report(): LoadReport {
    return {
      ...new Tally().report(),
      sent: this.sent,
      lost: this.#lost,
      wrong: this.#wrong,
      abandoned: this.#left,
      answers: Object.fromEntries(this.#answers),
      complaints: this.#complaints,
    };
  }

  figures(): Record<string, number> {
    return { cut: this.#cut, 'left by their clients': this.#left, 'explained by a kill': this.#byKill };
  }
}

function isAnswerTo({ program }: Kind, id: string, body: Buffer | undefined, answer: Buffer): boolean {
  if (program === 'body.py') {
    const checksum = crc32(body!).toString(16).padStart(8, '0');
    return answer.toString('latin1') === `${id} ${body!.length} ${checksum}\n`;
  }
  const expected = `${id}\n`;
  const length = program === 'long.sh' ? expected.length + 1_000_000 : expected.length;
  return answer.length === length && answer.toString('latin1', 0, expected.length) === expected;
}
