/**
 * A program: PORT CLIENTS. So many clients that each send a request head byte by byte and never come to its end.
 * Says `ready` when all are connected, and how they fared, as JSON, when its stdin ends: so it ends when the
 * benchmark does, however that ends.
 */
import { connect } from 'node:net';

export interface SlowHeadTally {
  sentBytes: number;
  /** Connections that the server closed; each is opened again. */
  closedByServer: number;
  /** Status of the answers that came. */
  answers: Record<string, number>;
}

const BYTE_INTERVAL_MS = 500;
const RECONNECT_DELAY_MS = 500;
const CONNECT_BATCH = 50;
const HEAD = Buffer.from(`GET / HTTP/1.1\r\nHost: localhost\r\nX-Slow: ${'a'.repeat(4_000)}`);

const [port, clients] = process.argv.slice(2).map(Number);
const tally: SlowHeadTally = { sentBytes: 0, closedByServer: 0, answers: {} };

await connectAll(port ?? 0, clients ?? 0);
process.stdout.write('ready\n');
process.stdin.resume().once('end', () => {
  process.stdout.write(`${JSON.stringify(tally)}\n`, () => process.exit(0));
});

async function connectAll(toPort: number, count: number): Promise<void> {
  for (let opened = 0; opened < count; opened += CONNECT_BATCH) {
    const batch = Math.min(CONNECT_BATCH, count - opened);
    await Promise.all(
      Array.from({ length: batch }, () => new Promise<void>((resolve) => sendSlowly(toPort, resolve))),
    );
  }
}

/** Calls back when connected for the first time, or refused. */
function sendSlowly(toPort: number, onSettled: () => void): void {
  let sent = 0;
  let timer: NodeJS.Timeout | undefined;
  const socket = connect({ host: '127.0.0.1', port: toPort, noDelay: true });
  const sendByte = (): void => {
    if (!socket.writable || sent === HEAD.length) return;
    socket.write(HEAD.subarray(sent, sent + 1));
    sent += 1;
    tally.sentBytes += 1;
  };
  socket.once('connect', () => {
    onSettled();
    // The clients do not move in step.
    timer = setTimeout(() => {
      sendByte();
      timer = setInterval(sendByte, BYTE_INTERVAL_MS);
    }, Math.random() * BYTE_INTERVAL_MS);
  });
  socket.on('data', (bytes) => {
    const status = /^HTTP\/1\.[01] (\d{3})/.exec(bytes.toString('latin1'))?.[1] ?? 'other';
    tally.answers[status] = (tally.answers[status] ?? 0) + 1;
  });
  socket.on('error', onSettled);
  socket.once('close', () => {
    clearTimeout(timer);
    tally.closedByServer += 1;
    setTimeout(() => sendSlowly(toPort, () => {}), RECONNECT_DELAY_MS);
  });
}
