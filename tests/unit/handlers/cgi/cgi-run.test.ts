/** What becomes of a request, case by case. That it holds in every order of events is shown in cgi-run-orders.test.ts. */
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { GatewayError } from '../../../../src/errors.js';
import { stopped } from '../../../../src/programs/runner.js';
import {
  bytes,
  EXIT_0,
  EXIT_3,
  EXIT_MS,
  FAKED,
  FakeSink,
  HALF_CLOSED_MS,
  KILLED,
  pass,
  share,
  Stage,
  TERMINATED,
  turn,
  UNKNOWN_END,
} from './run-stage.js';

const PLAIN = 'Content-Type: text/plain\n\n';
const LENGTH = 'Content-Type: text/plain\nContent-Length: 6\n\n';
const CHUNKED = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n';

/** What nobody reads: the request has to end. */
const GONE = { kind: 'fail', error: expect.objectContaining({ code: 'XGI_HTTP_CLIENT_GONE' }) as Error };

beforeEach(() => {
  vi.useFakeTimers({ toFake: [...FAKED] });
});

afterEach(() => {
  vi.useRealTimers();
});

/** The run is over, and has left nothing behind. */
function expectOver(stage: Stage): void {
  turn();
  expect(stage.overs).toBe(1);
  expect(stage.answers.length).toBeLessThanOrEqual(1);
  const { places, watch } = stage.shared;
  expect([places.taken, places.waiting, watch.runningBy(null).length]).toEqual([0, 0, 0]);
  expect(vi.getTimerCount()).toBe(0);
  if (stage.program !== undefined) expect(stage.program.violations).toEqual([]);
}

describe('an answer', () => {
  test('that is there with its end is given in one piece', () => {
    const stage = new Stage();
    stage.program.do(`${PLAIN}abc`);
    expect(stage.answers).toEqual([]);
    turn();
    expect(stage.head?.status).toBe(200);
    expect(stage.answer).toMatchObject({ kind: 'respond', response: { body: { bytes: bytes('abc') } } });
    expectOver(stage);
  });

  test('streams as it comes', () => {
    const stage = new Stage();
    stage.program.start();
    stage.program.write(PLAIN.slice(0, 5));
    turn();
    expect(stage.answers).toEqual([]);
    stage.program.write(`${PLAIN.slice(5)}abc`);
    expect(stage.program.taken_).toBe(PLAIN.length);
    turn();
    stage.sink!.start();
    stage.program.write('def');
    expect(stage.text).toBe('abcdef');
    expect(stage.program.taken_).toBe(PLAIN.length);
    stage.sink!.takeAll();
    expect(stage.program.taken_).toBe(PLAIN.length + 6);
    stage.program.close();
    stage.program.exit();
    expect(stage.sink!.ends).toBe(1);
    expectOver(stage);
  });

  test('a sink that takes what it is given at once: each byte is given back once', () => {
    const stage = new Stage();
    stage.program.start();
    stage.program.write(PLAIN);
    turn();
    const { answer } = stage;
    if (answer?.kind !== 'respond' || answer.response.body.kind !== 'stream') throw new Error('no stream');
    new FakeSink(answer.response.body.source, { takesAtOnce: true }).start();
    stage.program.write('abcdef');
    expect(stage.program.violations).toEqual([]);
    expect(stage.program.taken_).toBe(PLAIN.length + 6);
  });

  test('what the client takes when the run is over already', () => {
    const stage = new Stage();
    stage.program.start();
    stage.program.write(`${PLAIN}abc`);
    turn();
    stage.program.close();
    stage.program.exit();
    expectOver(stage);
    stage.sink!.start().takeAll();
    expect([stage.text, stage.sink!.ends]).toEqual(['abc', 1]);
    expect(stage.program.taken_).toBe(PLAIN.length + 3);
  });
});

describe('the ends of output and program', () => {
  test('END before EXITED: the answer waits a moment for the status', () => {
    const stage = new Stage();
    stage.program.start();
    stage.program.write(PLAIN);
    turn();
    stage.sink!.start();
    stage.program.close();
    expect(stage.sink!.ends).toBe(0);
    pass(EXIT_MS - 1);
    stage.program.exit();
    expect(stage.sink!.ends).toBe(1);
    expectOver(stage);
  });

  test('a program that goes on behind its answer keeps its place, and nobody waits for it', () => {
    const stage = new Stage();
    stage.program.start();
    stage.program.write(PLAIN);
    turn();
    stage.sink!.start();
    stage.program.close();
    pass(EXIT_MS);
    expect(stage.sink!.ends).toBe(1);
    pass(600_000);
    expect([stage.overs, stage.shared.places.taken, stage.program.aborts]).toEqual([0, 1, 0]);
    stage.program.exit(KILLED);
    expect(stage.sink!.failures).toEqual([]);
    expect(stage.log.matching(/SIGKILL, after its answer/).length).toBe(1);
    expectOver(stage);
  });

  test('EXITED before END: what others still write belongs to the answer', () => {
    const stage = new Stage();
    stage.program.start();
    stage.program.exit();
    stage.program.write(`${PLAIN}abc`);
    turn();
    stage.sink!.start();
    stage.program.write('def');
    expect([stage.overs, stage.text, stage.sink!.ends]).toEqual([0, 'abcdef', 0]);
    stage.program.close();
    expect(stage.sink!.ends).toBe(1);
    expectOver(stage);
  });

  test('an end of which nobody knows is not told to be something else', () => {
    const stage = new Stage();
    stage.program.do(`${PLAIN}abc`, UNKNOWN_END);
    expectOver(stage);
    expect(stage.text).toBe('abc');
    expect(stage.log.matching(/closed its output/)).toEqual([]);
  });

  test('a status that is not 0, behind an answer, is information', () => {
    const stage = new Stage();
    stage.program.do(PLAIN, EXIT_3);
    expectOver(stage);
    expect(stage.failure).toBeUndefined();
    expect(stage.log.records).toContainEqual(
      expect.objectContaining({ level: 'info', message: '/cgi/x: ended with status 3, after its answer' }),
    );
  });
});

describe('output that is closed too early, by a program that goes on', () => {
  test('before a head: it is aborted as soon as it is answered for', () => {
    const stage = new Stage();
    stage.program.start();
    stage.program.write('Content-Type: text/plain\n');
    stage.program.close();
    pass(EXIT_MS - 1);
    expect([stage.answers.length, stage.program.aborts]).toEqual([0, 0]);
    pass(1);
    expect(stage.failure?.status).toBe(502);
    expect(stage.program.aborts).toBe(1);
    stage.program.exit(TERMINATED);
    expectOver(stage);
  });

  test('before the end of its Content-Length', () => {
    const stage = new Stage();
    stage.program.start();
    stage.program.write(`${LENGTH}abc`);
    turn();
    stage.sink!.start();
    stage.program.close();
    pass(EXIT_MS);
    expect(stage.sink!.failures).toMatchObject([{ code: 'XGI_CGI_TRUNCATED' }]);
    expect(stage.program.aborts).toBe(1);
    stage.program.exit(TERMINATED);
    expectOver(stage);
  });

  test('before its last chunk', () => {
    const stage = new Stage({ nph: true });
    stage.program.start();
    stage.program.write(`${CHUNKED}3\r\nabc\r\n`);
    turn();
    stage.sink!.start();
    stage.program.close();
    pass(EXIT_MS);
    expect(stage.sink!.failures).toMatchObject([{ code: 'XGI_CGI_TRUNCATED' }]);
    expect(stage.program.aborts).toBe(1);
    stage.program.exit(TERMINATED);
    expectOver(stage);
  });
});

describe('a program that ends', () => {
  test.each([
    ['status 0', EXIT_0, /^XGI_CGI_NO_HEAD$/],
    ['status 3', EXIT_3, /^XGI_CGI_EXIT$/],
    ['a signal', KILLED, /^XGI_CGI_SIGNAL$/],
  ])('without a word, with %s', (_, end, code) => {
    const stage = new Stage();
    stage.program.start();
    stage.program.complain('Traceback\nno such thing');
    stage.program.exit(end);
    stage.program.close();
    expect(stage.failure).toMatchObject({ status: 502, code: expect.stringMatching(code) });
    expect(stage.failure!.detail).toBe('Traceback\nno such thing');
    expect(stage.program.aborts).toBe(0);
    expectOver(stage);
  });

  test.each([
    ['END first', ['close', 'exit']],
    ['EXITED first', ['exit', 'close']],
  ] as const)('by a signal, behind a complete Content-Length: complete, %s', (_, order) => {
    const stage = new Stage();
    stage.program.start();
    stage.program.write(`${LENGTH}abcdef`);
    turn();
    stage.sink!.start();
    for (const act of order) stage.program[act](KILLED);
    expect([stage.text, stage.sink!.ends, stage.sink!.failures]).toEqual(['abcdef', 1, []]);
    expectOver(stage);
  });

  test.each([
    ['short of its Content-Length', false, `${LENGTH}abcde`],
    ['of no declared length', false, `${PLAIN}abc`],
    ['in chunks, without the last one', true, `${CHUNKED}3\r\nabc\r\n`],
  ])('by a signal, in a body %s: failed', (_, nph, output) => {
    const stage = new Stage({ nph });
    stage.program.start();
    stage.program.write(output);
    turn();
    stage.sink!.start();
    stage.program.close();
    stage.program.exit(KILLED);
    expect(stage.sink!.ends).toBe(0);
    expect(stage.sink!.failures).toMatchObject([{ status: 502, code: 'XGI_CGI_TRUNCATED' }]);
    expectOver(stage);
  });

  test('by a signal, in a body that nobody has taken up yet: an answer can still be given', () => {
    const stage = new Stage();
    stage.program.do(`${PLAIN}abc`, KILLED);
    turn();
    expect(stage.failure).toMatchObject({ status: 502, code: 'XGI_CGI_TRUNCATED' });
    expectOver(stage);
  });

  test('by a signal, behind the last chunk: complete', () => {
    const stage = new Stage({ nph: true });
    stage.program.do(`${CHUNKED}3\r\nabc\r\n0\r\n\r\n`, KILLED);
    turn();
    expect(stage.text).toBe('abc');
    expectOver(stage);
  });
});

describe('output that is no answer', () => {
  test('a head that is none ends the program', () => {
    const stage = new Stage();
    stage.program.start();
    stage.program.write('Hello\n');
    expect(stage.failure).toMatchObject({ status: 502, code: 'XGI_CGI_BAD_HEAD' });
    expect(stage.failure!.message).toContain('/cgi/x');
    expect([stage.program.aborts, stage.program.taken_]).toEqual([1, 6]);
    stage.program.exit(TERMINATED);
    expectOver(stage);
  });

  test('a head that is none, when the program has ended: the place is given back at once', () => {
    const stage = new Stage();
    stage.program.start();
    stage.program.exit();
    stage.program.write('Hello\n');
    expect(stage.failure?.code).toBe('XGI_CGI_BAD_HEAD');
    expect(stage.program.aborts).toBe(1);
    expectOver(stage);
  });

  test('a chunk that is none, when the program has ended', () => {
    const stage = new Stage({ nph: true });
    stage.program.start();
    stage.program.write(`${CHUNKED}3\r\nabc\r\n`);
    turn();
    stage.sink!.start();
    stage.program.exit();
    stage.program.write('zz\r\n');
    expect(stage.sink!.failures).toMatchObject([{ code: 'XGI_CGI_BAD_CHUNK' }]);
    expectOver(stage);
  });

  test('a chunk that is none, with the head: an answer can still be given', () => {
    const stage = new Stage({ nph: true });
    stage.program.start();
    stage.program.write(`${CHUNKED}zz\r\n`);
    turn();
    expect(stage.failure).toMatchObject({ status: 502, code: 'XGI_CGI_BAD_CHUNK' });
    stage.program.exit(TERMINATED);
    expectOver(stage);
  });

  test('a head that cannot be sent', () => {
    const stage = new Stage();
    stage.program.start();
    stage.program.write('Status: 204\nContent-Length: 3\n\nabc');
    turn();
    // Either is an answer; what counts is that there is one, and that nothing is kept.
    expect(stage.answers.length).toBe(1);
    expect(stage.program.taken_).toBe(stage.program.written);
    if (stage.failure === undefined) stage.program.close();
    stage.program.exit();
    expectOver(stage);
  });
});

describe('a program that gets no place, or no process', () => {
  test('refused: there is a crowd', () => {
    const shared = share({ maxWaiting: 1 });
    const [first, second, third] = [new Stage({ shared }), new Stage({ shared }), new Stage({ shared })];
    expect(third.failure).toMatchObject({ status: 503, code: 'XGI_CGI_BUSY' });
    third.goAway();
    third.endInput();
    expect([third.answers.length, third.overs, third.interim]).toEqual([1, 1, []]);
    first.program.do(PLAIN);
    second.program.do(PLAIN);
    expectOver(second);
  });

  test('refused: it has waited too long', () => {
    const shared = share({ waitTimeoutMs: 1000 });
    const first = new Stage({ shared });
    const second = new Stage({ shared });
    pass(1200);
    expect(second.failure?.code).toBe('XGI_CGI_QUEUE_TIMEOUT');
    expect(second.overs).toBe(1);
    first.program.do(PLAIN);
    expectOver(first);
    expect(second.program).toBeUndefined();
  });

  test('refused: the server is being stopped', () => {
    const shared = share({ waitTimeoutMs: 0 });
    shared.runner.isReady = false;
    const stage = new Stage({ shared });
    shared.places.close(stopped());
    expect(stage.failure?.code).toBe('XGI_STOPPING');
    expectOver(stage);
  });

  test('the runner throws: 500, and the place is free for the next one', () => {
    const shared = share();
    const first = new Stage({ shared });
    const second = new Stage({ shared });
    const third = new Stage({ shared });
    shared.runner.refusal = new Error('it does not fit into a frame');
    first.program.do(PLAIN);
    turn();
    expect(second.answer).toMatchObject({ kind: 'fail', error: { message: 'it does not fit into a frame' } });
    expect([second.overs, second.program]).toEqual([1, undefined]);
    third.program.do(PLAIN);
    expectOver(third);
    expect([first.overs, second.overs]).toEqual([1, 1]);
  });

  test('it cannot be started', () => {
    const stage = new Stage();
    stage.program.fail(new GatewayError(500, 'XGI_CGI_NO_EXEC', 'run chmod +x'));
    expect(stage.failure).toMatchObject({
      status: 500,
      code: 'XGI_CGI_NO_EXEC',
      message: '/cgi/x: run chmod +x',
    });
    expectOver(stage);
  });
});

describe('a program whose body nobody wants goes on, and its output is given back', () => {
  test.each([
    ['HEAD', { method: 'HEAD' }, PLAIN],
    ['HEAD, with a length', { method: 'HEAD' }, LENGTH],
    ['204', {}, 'Status: 204\n\n'],
    ['304', {}, 'Status: 304\n\n'],
  ])('%s', (_, options, head) => {
    const stage = new Stage(options);
    stage.program.start();
    stage.program.write(`${head}abc`);
    expect(stage.answer).toMatchObject({ kind: 'respond', response: { body: { kind: 'empty' } } });
    stage.program.write(Buffer.alloc(300_000));
    expect(stage.program.taken_).toBe(stage.program.written);
    stage.goAway();
    expect(stage.program.aborts).toBe(0);
    stage.program.close();
    stage.program.exit(KILLED);
    expectOver(stage);
  });

  test('a local redirect', () => {
    const stage = new Stage();
    stage.program.start();
    stage.program.write('Location: /y?a=b\n\nabc');
    expect(stage.answer).toEqual({ kind: 'redirect', target: '/y?a=b' });
    stage.program.write('def');
    expect(stage.program.taken_).toBe(stage.program.written);
    stage.goAway();
    expect([stage.program.aborts, stage.overs]).toEqual([0, 0]);
    stage.program.close();
    stage.program.exit(EXIT_3);
    expectOver(stage);
  });

  test('X-Sendfile, which is not passed on', () => {
    const stage = new Stage();
    stage.program.start();
    stage.program.write(`X-Sendfile: /srv/f\n${PLAIN}abc`);
    expect(stage.answer).toMatchObject({ kind: 'sendFile', path: '/srv/f' });
    expect(stage.head!.fields).toEqual(['Content-Type', 'text/plain']);
    stage.program.write('def');
    expect(stage.program.taken_).toBe(stage.program.written);
    stage.program.close();
    pass(EXIT_MS);
    expect(stage.overs).toBe(0);
    stage.program.exit();
    expectOver(stage);
  });

  test('its deadlines go on, and tell the log', () => {
    const stage = new Stage({ method: 'HEAD', timeoutMs: 1000 });
    stage.program.start();
    stage.program.write(PLAIN);
    pass(1200);
    expect(stage.program.aborts).toBe(1);
    expect(stage.answers.length).toBe(1);
    expect(stage.log.matching(/XGI_CGI_TIMEOUT/).length).toBe(1);
    expect(stage.shared.watch.timeouts).toBe(1);
    stage.program.exit(TERMINATED);
    expectOver(stage);
  });
});

describe('a client that goes', () => {
  test('before the run begins: it never does', () => {
    const stage = new Stage({ isGone: true });
    expect([stage.answers, stage.shared.runner.programs]).toEqual([[GONE], []]);
    expectOver(stage);
  });

  test('while it waits for a place', () => {
    const shared = share();
    const first = new Stage({ shared });
    const second = new Stage({ shared });
    second.goAway();
    expect([second.overs, shared.places.waiting]).toEqual([1, 0]);
    first.program.do(PLAIN);
    expectOver(first);
    expect(shared.runner.programs.length).toBe(1);
  });

  test('before the head: the program is ended', () => {
    const stage = new Stage();
    stage.program.start();
    stage.goAway();
    expect([stage.program.aborts, stage.overs]).toEqual([1, 0]);
    stage.program.write(`${PLAIN}late`);
    stage.program.exit(TERMINATED);
    expect(stage.answers).toEqual([GONE]);
    expectOver(stage);
  });

  test('in the body: the sink is cancelled, and the listener is told as well', () => {
    const stage = new Stage();
    stage.program.start();
    stage.program.write(`${PLAIN}abc`);
    turn();
    stage.sink!.start().cancel();
    stage.goAway();
    expect(stage.program.aborts).toBe(1);
    // What was on its way to it is let go later.
    stage.sink!.takeAll();
    stage.program.exit(TERMINATED);
    expect([stage.sink!.ends, stage.sink!.failures]).toEqual([0, []]);
    expectOver(stage);
  });

  test('before its answer was taken up: it is dropped', () => {
    const stage = new Stage();
    stage.program.start();
    stage.program.write(`${PLAIN}abc`);
    turn();
    stage.sink!.cancel();
    expect(stage.program.aborts).toBe(1);
    stage.program.exit(TERMINATED);
    expectOver(stage);
  });

  test('when the program has ended, and others hold its output: the place is given back at once', () => {
    const stage = new Stage();
    stage.program.start();
    stage.program.exit();
    stage.goAway();
    expect(stage.program.aborts).toBe(1);
    expectOver(stage);
  });

  test('between END and EXITED', () => {
    const stage = new Stage();
    stage.program.start();
    stage.program.close();
    stage.goAway();
    expect(stage.program.aborts).toBe(1);
    pass(EXIT_MS);
    stage.program.exit(TERMINATED);
    expectOver(stage);
  });
});

describe('a client that has ended its input', () => {
  test('is asked once, by 100 Continue', () => {
    const stage = new Stage();
    stage.endInput();
    stage.endInput();
    expect(stage.interim).toEqual([100]);
    // Who has gone answers with a reset; who has not may wait as long as it likes.
    pass(10 * HALF_CLOSED_MS);
    expect(stage.program.aborts).toBe(0);
    stage.program.do(PLAIN);
    stage.endInput();
    expect(stage.interim).toEqual([100]);
    expectOver(stage);
  });

  test('is asked while it waits for a place', () => {
    const shared = share();
    const first = new Stage({ shared });
    const second = new Stage({ shared });
    second.endInput();
    expect(second.interim).toEqual([100]);
    first.program.do(PLAIN);
    second.endInput();
    expect(second.interim).toEqual([100]);
    second.program.do(PLAIN);
    expectOver(second);
  });

  test('in HTTP/1.0 cannot be asked: it seems to have gone when nothing was written for 15 s', () => {
    const stage = new Stage({ httpVersion: '1.0' });
    stage.program.start();
    pass(60_000);
    stage.endInput();
    pass(HALF_CLOSED_MS - 100);
    stage.endInput();
    expect(stage.program.aborts).toBe(0);
    pass(300);
    expect(stage.program.aborts).toBe(1);
    expect(stage.failure).toMatchObject({ status: 408, code: 'XGI_HTTP_CLIENT_GONE' });
    expect(stage.shared.watch.timeouts).toBe(0);
    stage.program.exit(TERMINATED);
    expectOver(stage);
  });

  test('in the body seems to have gone when nothing was written for 15 s', () => {
    const stage = new Stage();
    stage.program.start();
    stage.program.write(`${PLAIN}abc`);
    turn();
    stage.sink!.start().takeAll();
    stage.endInput();
    pass(HALF_CLOSED_MS - 100);
    stage.program.write('def');
    stage.sink!.takeAll();
    pass(HALF_CLOSED_MS - 100);
    expect(stage.program.aborts).toBe(0);
    pass(300);
    expect(stage.program.aborts).toBe(1);
    expect(stage.sink!.failures).toMatchObject([{ code: 'XGI_HTTP_CLIENT_GONE' }]);
    stage.program.exit(TERMINATED);
    expectOver(stage);
  });

  test('and is slow to take what it is sent is there', () => {
    const stage = new Stage();
    stage.program.start();
    stage.program.write(`${PLAIN}abc`);
    turn();
    stage.sink!.start();
    stage.endInput();
    pass(10 * HALF_CLOSED_MS);
    expect(stage.program.aborts).toBe(0);
    stage.sink!.takeAll();
    pass(HALF_CLOSED_MS + 300);
    expect(stage.program.aborts).toBe(1);
    stage.program.exit(TERMINATED);
    expectOver(stage);
  });

  test.each([
    ['in the body', '1.1', PLAIN],
    ['before a head, in HTTP/1.0', '1.0', ''],
  ] as const)('what the program says to the log is nothing to it: %s', (_, httpVersion, output) => {
    const stage = new Stage({ httpVersion });
    stage.program.start();
    stage.program.write(output);
    turn();
    stage.sink?.start();
    stage.endInput();
    for (let second = 0; second < 16; second++) {
      stage.program.complain('tick\n');
      pass(1000);
    }
    expect(stage.program.aborts).toBe(1);
    stage.program.exit(TERMINATED);
    expectOver(stage);
  });

  test('and has the whole of its answer has not gone: the program may go on', () => {
    const stage = new Stage();
    stage.program.start();
    stage.program.write(`${LENGTH}abcdef`);
    turn();
    stage.sink!.start().takeAll();
    stage.endInput();
    pass(HALF_CLOSED_MS + 300);
    expect([stage.program.aborts, stage.sink!.failures]).toEqual([0, []]);
    stage.program.close();
    stage.program.exit();
    expectOver(stage);
  });
});

describe('deadlines', () => {
  test('a program that takes too long: 504', () => {
    const stage = new Stage({ timeoutMs: 1000 });
    stage.program.start();
    stage.program.complain('working');
    pass(900);
    expect(stage.answers).toEqual([]);
    pass(300);
    expect(stage.failure).toMatchObject({ status: 504, code: 'XGI_CGI_TIMEOUT', detail: 'working' });
    expect([stage.program.aborts, stage.shared.watch.timeouts]).toEqual([1, 1]);
    pass(10_000);
    expect([stage.program.aborts, stage.shared.watch.timeouts]).toEqual([1, 1]);
    stage.program.exit(TERMINATED);
    expectOver(stage);
  });

  test('a program that writes nothing; standard error counts', () => {
    const stage = new Stage({ idleTimeoutMs: 1000 });
    stage.program.start();
    for (let i = 0; i < 5; i++) {
      pass(800);
      stage.program.complain('tick\n');
    }
    expect(stage.answers).toEqual([]);
    pass(1200);
    expect(stage.failure).toMatchObject({ status: 504, code: 'XGI_CGI_TIMEOUT' });
    stage.program.exit(TERMINATED);
    expectOver(stage);
  });

  test('a program that a slow client holds up is not idle', () => {
    const stage = new Stage({ idleTimeoutMs: 1000 });
    stage.program.start();
    stage.program.write(`${PLAIN}abc`);
    turn();
    stage.sink!.start();
    pass(60_000);
    expect(stage.program.aborts).toBe(0);
    stage.sink!.takeAll();
    pass(1300);
    expect(stage.sink!.failures).toMatchObject([{ code: 'XGI_CGI_TIMEOUT' }]);
    stage.program.exit(TERMINATED);
    expectOver(stage);
  });

  test('time in the queue does not count', () => {
    const shared = share({ waitTimeoutMs: 0 });
    const first = new Stage({ shared });
    const second = new Stage({ shared, timeoutMs: 1000, idleTimeoutMs: 1000 });
    pass(60_000);
    first.program.do(PLAIN);
    pass(800);
    expect(second.answers).toEqual([]);
    second.program.do(PLAIN);
    expectOver(second);
  });

  test('others hold the output of a program that has ended: they are ended, and the place is free', () => {
    const stage = new Stage({ timeoutMs: 1000 });
    stage.program.start();
    stage.program.exit();
    pass(1200);
    expect(stage.failure?.code).toBe('XGI_CGI_TIMEOUT');
    expect(stage.program.aborts).toBe(1);
    expectOver(stage);
  });

  test('a program that goes on behind its answer is not idle, and has to end in time', () => {
    const stage = new Stage({ timeoutMs: 10_000, idleTimeoutMs: 1000 });
    stage.program.start();
    stage.program.write(PLAIN);
    turn();
    stage.sink!.start();
    stage.program.close();
    pass(5000);
    expect([stage.sink!.ends, stage.program.aborts]).toEqual([1, 0]);
    pass(5200);
    expect([stage.sink!.failures, stage.program.aborts]).toEqual([[], 1]);
    stage.program.exit(TERMINATED);
    expectOver(stage);
  });
});

describe('a launcher that dies', () => {
  test('before the program was started', () => {
    const stage = new Stage();
    stage.program.fail();
    expect(stage.failure).toMatchObject({ status: 502, code: 'XGI_CGI_LAUNCHER' });
    expect(stage.program.aborts).toBe(0);
    expectOver(stage);
  });

  test('before the head; what the program said last is in the log', () => {
    const stage = new Stage();
    stage.program.start();
    stage.program.complain('last words');
    stage.program.fail();
    expect(stage.failure?.code).toBe('XGI_CGI_LAUNCHER');
    expect(stage.log.matching(/^\/cgi\/x: last words$/).length).toBe(1);
    expectOver(stage);
  });

  test('in the body, taken up or not', () => {
    const stage = new Stage();
    stage.program.start();
    stage.program.write(`${PLAIN}abc`);
    turn();
    const sink = stage.sink!.start();
    stage.program.fail();
    expect([sink.ends, sink.failures.length]).toEqual([0, 1]);
    expectOver(stage);

    const early = new Stage();
    early.program.start();
    early.program.write(`${PLAIN}abc`);
    early.program.fail();
    turn();
    expect(early.failure).toMatchObject({ status: 502, code: 'XGI_CGI_LAUNCHER' });
    expectOver(early);
  });

  test('in the body, before it is taken up: who takes it up is told', () => {
    const stage = new Stage();
    stage.program.start();
    stage.program.write(`${PLAIN}abc`);
    turn();
    stage.program.fail();
    expectOver(stage);
    const sink = stage.sink!.start();
    expect([sink.text, sink.ends, sink.failures.length]).toEqual(['abc', 0, 1]);
  });

  test('between END and EXITED: nothing can complete the answer', () => {
    const stage = new Stage();
    stage.program.start();
    stage.program.close();
    stage.program.fail();
    expect(stage.failure?.code).toBe('XGI_CGI_LAUNCHER');
    pass(EXIT_MS);
    expectOver(stage);
  });

  test('between EXITED and END', () => {
    const stage = new Stage();
    stage.program.start();
    stage.program.write(PLAIN);
    turn();
    const sink = stage.sink!.start();
    stage.program.exit();
    stage.program.fail();
    expect([sink.ends, sink.failures.length]).toEqual([0, 1]);
    expectOver(stage);
  });

  test('behind the answer: the client has it', () => {
    for (const output of [PLAIN, 'Status: 204\n\n', 'Location: /y\n\n']) {
      const stage = new Stage();
      stage.program.start();
      stage.program.write(output);
      turn();
      stage.sink?.start();
      stage.program.close();
      pass(EXIT_MS);
      stage.program.fail();
      expect(stage.failure).toBeUndefined();
      expect(stage.sink?.ends ?? 1).toBe(1);
      expectOver(stage);
    }
  });

  test('when the client has gone', () => {
    const stage = new Stage();
    stage.program.start();
    stage.goAway();
    stage.program.fail();
    expect(stage.answers).toEqual([GONE]);
    expectOver(stage);
  });

  test('when the program was aborted for a bad head: the first answer stays', () => {
    const stage = new Stage();
    stage.program.start();
    stage.program.write('Hello\n');
    stage.program.fail();
    expect(stage.failure?.code).toBe('XGI_CGI_BAD_HEAD');
    expectOver(stage);
  });
});

describe('standard error', () => {
  test('goes to the log line by line; what comes late too', () => {
    const stage = new Stage();
    stage.program.start();
    stage.program.complain('one\ntw');
    stage.program.complain('o\nthree');
    stage.program.close();
    stage.program.exit({ ...EXIT_0, stderrDropped: 12 });
    stage.program.complain('late\n');
    const lines = stage.log.records.filter(({ level }) => level === 'warn').map(({ message }) => message);
    expect(lines).toEqual([
      '/cgi/x: one',
      '/cgi/x: two',
      '/cgi/x: three',
      '/cgi/x: 12 bytes of its standard error were left out: there was too much of it',
      '/cgi/x: late',
    ]);
    expectOver(stage);
  });
});
