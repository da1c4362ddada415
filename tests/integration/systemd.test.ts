/** The notifier against a service manager of our own, and as a process dies. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Notifier } from '../../src/process/notify.js';
import type { Log } from '../../src/types.js';
import { repository } from '../support/paths.js';
import { isAlive, pollUntil } from '../support/poll.js';
import { Program } from '../support/process.js';
import { makeTempDir, removeTempDir } from '../support/temp-dir.js';
import { testPython } from '../support/test-env.js';

/**
 * Binds the address, as systemd does, and appends each message with the process id of its sender to the file `journal`.
 * With `full` it begins with a socket that is full of messages, and takes none before there is the file `read`.
 */
const SERVICE_MANAGER = `
import json, os, socket, struct, sys, time

address, journal, kind = sys.argv[1:]
manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
manager.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
manager.bind("\\0" + address[1:] if address.startswith("@") else address)
stuffed = 0
if kind == "full":
    other = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    other.connect(manager.getsockname())
    other.setblocking(False)
    try:
        while True:
            other.send(b"")
            stuffed += 1
    except BlockingIOError:
        pass
print("bound", flush=True)
while stuffed and not os.path.exists(os.path.join(os.path.dirname(journal), "read")):
    time.sleep(0.01)
while True:
    # What is sent along (a descriptor) is closed by the kernel, as there is no room for it.
    message, credentials, _, _ = manager.recvmsg(65536, socket.CMSG_SPACE(12))
    if message:
        pid = struct.unpack("3i", credentials[0][2][:12])[0]
        with open(journal, "a") as file:
            file.write(json.dumps({"pid": pid, "text": message.decode()}) + "\\n")
`;

interface Entry {
  /** Of the sender. */
  readonly pid: number;
  readonly text: string;
}

let directory: string;
let address: string;
let warnings: string[];
let notifier: Notifier | undefined;
let manager: Program | undefined;

const log: Log = {
  debug: () => {},
  info: () => {},
  warn: (message) => warnings.push(message),
  error: () => {},
};

beforeEach(() => {
  directory = makeTempDir();
  address = path.join(directory, 'notify');
  warnings = [];
});

afterEach(async () => {
  await notifier?.close();
  if (manager !== undefined) await manager.stop('SIGKILL');
  notifier = manager = undefined;
  removeTempDir(directory);
});

async function startManager(kind: 'empty' | 'full' = 'empty'): Promise<void> {
  const program = ['-c', SERVICE_MANAGER, address, journalFile(), kind];
  manager = new Program(testPython(), program);
  await manager.waitForOutput(/bound/);
}

function open(variables: Record<string, string> = {}): Notifier {
  const env = { PATH: process.env['PATH'], NOTIFY_SOCKET: address, ...variables };
  const opened = Notifier.open(env, testPython(), log);
  if (opened === undefined) throw new Error('there is nobody to notify');
  return (notifier = opened);
}

function journalFile(): string {
  return path.join(directory, 'journal');
}

function journal(): Entry[] {
  if (!existsSync(journalFile())) return [];
  const lines = readFileSync(journalFile(), 'utf8').split('\n').slice(0, -1);
  return lines.map((line) => JSON.parse(line) as Entry);
}

function texts(): string[] {
  return journal().map(({ text }) => text);
}

async function untilTold(text: string | RegExp): Promise<Entry> {
  return await pollUntil(
    () => journal().find((entry) => (typeof text === 'string' ? entry.text === text : text.test(entry.text))),
    { what: `the message ${String(text)}` },
  );
}

describe.each(['a path', 'the abstract name space'])('a service manager at %s', (kind) => {
  beforeEach(async () => {
    if (kind !== 'a path') address = `@xgi-${process.pid}-${path.basename(directory)}`;
    await startManager();
  });

  test('is told of the life of a service, in order', async () => {
    const life = open();
    life.status('Booting');
    await untilTold('STATUS=Booting');
    life.ready('Serving');
    life.reloading();
    life.ready('Reloaded');
    life.stopping();
    const beforeUsec = process.hrtime.bigint() / 1000n;
    await life.close();
    // All of it has been read by now: the program waits for that.
    const told = texts();
    const [, usec = ''] =
      /^RELOADING=1\nSTATUS=Reloading\nMONOTONIC_USEC=([0-9]+)$/.exec(told[2] ?? '') ?? [];
    expect(told).toEqual([
      'STATUS=Booting',
      'READY=1\nSTATUS=Serving',
      `RELOADING=1\nSTATUS=Reloading\nMONOTONIC_USEC=${usec}`,
      'READY=1\nSTATUS=Reloaded',
      'STOPPING=1\nSTATUS=Stopping',
      'BARRIER=1',
    ]);
    // CLOCK_MONOTONIC, which is the clock of hrtime on Linux.
    expect(Math.abs(Number(BigInt(usec) - beforeUsec))).toBeLessThan(10_000_000);
    expect(warnings).toEqual([]);
  });
});

describe('the environment', () => {
  test('without NOTIFY_SOCKET, nobody is told', () => {
    const env = { WATCHDOG_USEC: '1000000', WATCHDOG_PID: '1', OTHER: 'kept' };
    expect(Notifier.open(env, testPython(), log)).toBeUndefined();
    expect(env).toEqual({ OTHER: 'kept' });
  });

  test('loses the variables; a successor gets them again', () => {
    const env = { NOTIFY_SOCKET: address, WATCHDOG_USEC: '30000001', WATCHDOG_PID: `${process.pid}`, A: 'b' };
    notifier = Notifier.open(env, testPython(), log);
    expect(env).toEqual({ A: 'b' });
    expect(notifier?.successorEnv).toEqual({ NOTIFY_SOCKET: address, WATCHDOG_USEC: '30000001' });
  });

  test.each(['relative', 'vsock:2:1234', '/', '@'])('an address like %j is a warning', (text) => {
    expect(Notifier.open({ NOTIFY_SOCKET: text }, testPython(), log)).toBeUndefined();
    expect(warnings).toEqual([expect.stringContaining(JSON.stringify(text))]);
  });
});

describe('a status', () => {
  beforeEach(() => startManager());

  test('is one line, whatever is in it', async () => {
    open().status('one\nREADY=1\r\ttwo \ud800 é');
    expect((await untilTold(/^STATUS/)).text).toBe('STATUS=one READY=1 two ? é');
  });

  test('is cut off before the message is too long for systemd', async () => {
    open().ready('€'.repeat(5000));
    expect(Buffer.byteLength((await untilTold(/^READY/)).text)).toBeLessThan(4096);
  });
});

describe('the watchdog', () => {
  beforeEach(() => startManager());

  test.each(['', `${process.pid}`])('has signs of life twice in its time (WATCHDOG_PID=%s)', async (pid) => {
    const beganAtMs = performance.now();
    open({ WATCHDOG_USEC: '100000', ...(pid === '' ? {} : { WATCHDOG_PID: pid }) });
    await pollUntil(() => texts().filter((text) => text === 'WATCHDOG=1').length >= 4, { what: '4 signs' });
    expect(performance.now() - beganAtMs).toBeGreaterThan(190);
  });

  test.each([
    ['of another process', { WATCHDOG_USEC: '1000', WATCHDOG_PID: '1' }],
    ['without a time', { WATCHDOG_USEC: '0' }],
    ['with a time that is none', { WATCHDOG_USEC: '1s' }],
  ])('%s has none', async (_name, variables) => {
    const other = open(variables);
    // The time is what is tested: twenty of the first kind's.
    await delay(20);
    other.ready('Serving');
    await other.close();
    expect(texts()).toEqual(['READY=1\nSTATUS=Serving', 'BARRIER=1']);
    expect(other.successorEnv).toEqual({ NOTIFY_SOCKET: address });
  });
});

test('who has a successor says nothing more', async () => {
  await startManager();
  const old = open({ WATCHDOG_USEC: '2000' });
  await untilTold('WATCHDOG=1');
  old.mainPid(4711);
  old.status('never seen');
  old.stopping();
  old.ready('never seen');
  await old.close();
  const told = texts().filter((text) => text !== 'WATCHDOG=1');
  expect(told).toEqual(['MAINPID=4711', 'BARRIER=1']);
  expect(texts().slice(-2)).toEqual(told);
});

describe('a service manager', () => {
  test('that has gone is one warning', async () => {
    await startManager();
    const left = open();
    left.ready('Serving');
    await untilTold(/^READY/);
    await manager!.stop('SIGKILL');
    for (let count = 0; count < 3; count++) left.reloading();
    await left.close();
    expect(warnings).toEqual([
      `XGI_NOTIFY: the service manager at ${address} cannot be told how the service is: Connection refused`,
    ]);
  });

  test('that was never there is one warning', async () => {
    open().ready('Serving');
    await notifier!.close();
    expect(warnings).toEqual([expect.stringMatching(/No such file or directory$/)]);
  });

  test('that does not read is told later, the last status of many', async () => {
    await startManager('full');
    const patient = open({ WATCHDOG_USEC: '1000' });
    patient.ready('Serving');
    for (let count = 0; count <= 1000; count++) patient.status(`${count} requests`);
    // Time for signs of life to pile up.
    await delay(50);
    writeFileSync(path.join(directory, 'read'), '');
    await untilTold('STATUS=1000 requests');
    const told = texts().filter((text) => text !== 'WATCHDOG=1');
    expect(told).toEqual(['READY=1\nSTATUS=Serving', 'STATUS=1000 requests']);
    expect(warnings).toEqual([]);
  });

  test('that never reads does not keep the service from ending', async () => {
    await startManager('full');
    open().stopping();
    const beganAtMs = performance.now();
    await notifier!.close();
    expect(performance.now() - beganAtMs).toBeLessThan(10_000);
  });
});

describe('the program', () => {
  test('that dies is started again, for the message that it had not sent', async () => {
    await startManager();
    const service = open();
    service.ready('Serving');
    const { pid } = await untilTold(/^READY/);
    process.kill(pid, 'SIGKILL');
    service.status('Busy');
    const later = await untilTold('STATUS=Busy');
    expect(later.pid).not.toBe(pid);
    expect(warnings).toEqual([expect.stringContaining('the program ended by SIGKILL')]);
  });

  test('hears no signal: those that end the service are sent to all of its processes', async () => {
    await startManager();
    const service = open();
    service.ready('Serving');
    const { pid } = await untilTold(/^READY/);
    for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGQUIT', 'SIGUSR1', 'SIGUSR2'] as const)
      process.kill(pid, signal);
    service.stopping();
    await service.close();
    expect(journal().at(-2)).toEqual({ pid, text: 'STOPPING=1\nSTATUS=Stopping' });
    expect(warnings).toEqual([]);
  });

  test('that cannot be started is one warning, and nobody waits for it', async () => {
    const env = { NOTIFY_SOCKET: address, WATCHDOG_USEC: '1000' };
    notifier = Notifier.open(env, path.join(directory, 'python'), log);
    notifier!.ready('Serving');
    await pollUntil(() => warnings.length > 0, { what: 'the warning' });
    const beganAtMs = performance.now();
    await notifier!.close();
    // A program that runs is waited for for three seconds.
    expect(performance.now() - beganAtMs).toBeLessThan(2500);
    expect(warnings).toEqual([expect.stringContaining('ENOENT')]);
  });
});

describe('another process', () => {
  /** Says that it is ready, then does as the words after that say. */
  function startService(words: string): Program {
    const { href } = pathToFileURL(path.join(repository, 'dist/process/notify.js'));
    const script = `
      import { Notifier } from '${href}';
      const log = { warn: (message) => console.error(message) };
      const notifier = Notifier.open(process.env, process.argv[1], log);
      notifier.ready('Serving');
      ${words}`;
    const env = { NOTIFY_SOCKET: address, WATCHDOG_USEC: '100000', WATCHDOG_PID: undefined };
    return new Program(process.execPath, ['--input-type=module', '-e', script, testPython()], { env });
  }

  beforeEach(() => startManager());

  test('that is killed leaves no program behind', async () => {
    const service = startService('setInterval(() => {}, 1000);');
    const { pid } = await untilTold(/^READY/);
    await service.stop('SIGKILL');
    await pollUntil(() => !isAlive(pid), { what: 'the program to end' });
  });

  test('is not kept alive by its notifier', async () => {
    const service = startService('setTimeout(() => {}, 500);');
    await untilTold(/^READY/);
    expect(await service.exited).toEqual({ code: 0, signal: null });
  });

  test('that hangs gives no sign of life', async () => {
    const hang = path.join(directory, 'hang');
    const service = startService(`
      import { existsSync } from 'node:fs';
      setInterval(() => { while (existsSync(${JSON.stringify(hang)})); }, 10);`);
    await untilTold('WATCHDOG=1');
    writeFileSync(hang, '');
    await pollUntil(
      async () => {
        const before = texts().length;
        // The time is what is tested: six times the interval.
        await delay(300);
        return texts().length === before;
      },
      { what: 'silence' },
    );
    await service.stop('SIGKILL');
  });
});
