/** A project directory with a small application, for the tests that run the built command line. */
import { existsSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { pollUntil } from './poll.js';
import { makeTempDir } from './temp-dir.js';

/**
 * `/` answers with what the test may want to know; `/wait` says that it runs (file `running`), then waits until the
 * test lets it go (file `go`). With BOOT=wait in the environment the import itself waits.
 */
const APP = `
import json, os, sys, time

def wait():
    open("running", "w").close()
    while not os.path.exists("go"):
        time.sleep(0.005)

if os.environ.get("BOOT") == "wait":
    wait()

def app(environ, start_response):
    if environ["PATH_INFO"] == "/wait":
        wait()
    start_response("200 OK", [("Content-Type", "application/json")])
    return [json.dumps({
        "pid": os.getpid(),
        "cwd": os.getcwd(),
        "path": sys.path[:3],
        "env": dict(os.environ),
        "software": environ["SERVER_SOFTWARE"],
        "multithread": environ["wsgi.multithread"],
        "scheme": environ["wsgi.url_scheme"],
    }).encode()]

def create_app(name="app"):
    return {"app": app}[name]
`;

export interface Answer {
  readonly pid: number;
  readonly cwd: string;
  readonly path: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly software: string;
  readonly multithread: boolean;
  readonly scheme: string;
}

/** An application that answers with a word: which code serves. */
export function sayingApp(word: string): string {
  return `
def app(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"${word}"]
`;
}

export class Project {
  readonly directory = makeTempDir();

  constructor() {
    this.write('app.py', APP);
  }

  file(name: string): string {
    return path.join(this.directory, name);
  }

  write(name: string, text: string): string {
    writeFileSync(this.file(name), text);
    return this.file(name);
  }

  /** Resolves when the application waits. */
  async running(): Promise<void> {
    await pollUntil(() => existsSync(this.file('running')), { what: 'the application to wait' });
  }

  /** Ends the waiting of the application. */
  letGo(): void {
    this.write('go', '');
  }
}

export async function ask(url: string): Promise<Answer> {
  const response = await fetch(url);
  return (await response.json()) as Answer;
}

/** What {@link sayingApp} says, or the status if that is not 200. */
export async function hear(url: string): Promise<string> {
  const response = await fetch(url);
  const text = await response.text();
  return response.status === 200 ? text : String(response.status);
}
