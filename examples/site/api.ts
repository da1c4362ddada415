/**
 * A small JSON API in the shape of `fetch`: a request goes in, a response comes out. It runs in the server itself, and what
 * it keeps is gone with it.
 *
 *     GET  /api/notes   the guestbook, newest first
 *     POST /api/notes   {"name": "Ada", "text": "Hello"}
 *     GET  /api/clock   the time of the server, each second, as server-sent events
 */

interface Note {
  readonly name: string;
  readonly text: string;
  /** ISO 8601. */
  readonly at: string;
}

const MAX_NOTES = 50;
const MAX_NAME_LENGTH = 40;
const MAX_TEXT_LENGTH = 280;
const MAX_BODY_BYTES = 4096;

const notes: Note[] = [
  { name: 'xgi', text: 'This list lives in the memory of the server.', at: new Date().toISOString() },
];

export default {
  async fetch(request: Request): Promise<Response> {
    const { pathname } = new URL(request.url);
    if (pathname === '/api/notes') return await answerNotes(request);
    if (pathname === '/api/clock') return request.method === 'GET' ? tellTime() : notAllowed('GET');
    return problem(404, 'There is /api/notes and /api/clock');
  },
};

async function answerNotes(request: Request): Promise<Response> {
  if (['GET', 'HEAD'].includes(request.method))
    return Response.json(notes, { headers: { 'Cache-Control': 'no-store' } });
  if (request.method !== 'POST') return notAllowed('GET, HEAD, POST');
  // A form of another site cannot send this type without asking first (CORS).
  if (!/^application\/json(?:;|$)/i.test(request.headers.get('Content-Type') ?? ''))
    return problem(415, 'Expected Content-Type: application/json');
  const length = request.headers.get('Content-Length');
  if (length === null) return problem(411, 'Expected a Content-Length');
  if (Number(length) > MAX_BODY_BYTES) return problem(413, `Expected at most ${MAX_BODY_BYTES} bytes`);
  const note = readNote(await request.text());
  if (note === undefined)
    return problem(
      422,
      `Expected {"name", "text"}, of 1 to ${MAX_NAME_LENGTH} and 1 to ${MAX_TEXT_LENGTH} characters`,
    );
  notes.unshift(note);
  notes.splice(MAX_NOTES);
  return Response.json(note, { status: 201 });
}

function readNote(body: string): Note | undefined {
  const { name, text } = parseObject(body);
  if (!isText(name, MAX_NAME_LENGTH) || !isText(text, MAX_TEXT_LENGTH)) return undefined;
  return { name: name.trim(), text: text.trim(), at: new Date().toISOString() };
}

function parseObject(body: string): Record<string, unknown> {
  try {
    return Object(JSON.parse(body)) as Record<string, unknown>;
  } catch {
    return {};
  }
}

function isText(value: unknown, maxLength: number): value is string {
  return typeof value === 'string' && value.trim() !== '' && value.length <= maxLength;
}

function tellTime(): Response {
  let timer: NodeJS.Timeout | undefined;
  const events = new ReadableStream<Uint8Array>({
    start(controller) {
      const tell = (): void => controller.enqueue(encoder.encode(`data: ${new Date().toISOString()}\n\n`));
      tell();
      timer = setInterval(tell, 1000);
    },
    // The client has left.
    cancel() {
      clearInterval(timer);
    },
  });
  return new Response(events, {
    headers: { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-store' },
  });
}

const encoder = new TextEncoder();

function notAllowed(methods: string): Response {
  return problem(405, `Expected ${methods}`, { Allow: methods });
}

function problem(status: number, error: string, headers: Record<string, string> = {}): Response {
  return Response.json({ error }, { status, headers });
}
