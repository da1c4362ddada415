/**
 * The story of the attack: an application with a user of its own has been taken over. A worker may hand a file to the gateway, which sends it
 * (FILE, docs/protocol.md); the gateway is another user, and may read what the application may not: certificates, logs, what other
 * applications offer. To name a file so that the gateway takes it for the one that was meant, its numbers are needed, and stat(2) asks for no
 * right to read. With a gateway that is root, it could be any file.
 */
import { chmodSync, chownSync, statSync, writeFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { GATEWAY_ID, isReachable, ONE, TWO, UserSite } from '../support/user-site.js';

const LIAR = `
import os, sys

frames = sys.modules["xgi_worker.frames"]
real = frames.encode_file

def app(environ, start_response):
    path = environ["QUERY_STRING"]
    status = os.stat(path)

    def lie(stream, length, file):
        return real(stream, status.st_size, file._replace(
            offset=0, size=status.st_size, mtime_ns=status.st_mtime_ns,
            device=status.st_dev, inode=status.st_ino, path=os.fsencode(path)))

    frames.encode_file = lie
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(status.st_size))])
    return environ["wsgi.file_wrapper"](open(__file__, "rb"))
`;

let site: UserSite;

beforeEach(() => {
  site = new UserSite();
});
afterEach(() => site.destroy());

const read = async (file: string): Promise<string> =>
  await (await fetch(site.server.url(`/one?${file}`))).text();

describe.runIf(isReachable())('an application with a user of its own', () => {
  test.each([
    ['that is another user', GATEWAY_ID],
    ['that is root', null],
  ])('has a gateway %s send none but its own files', async (_what, gateway) => {
    const make = (name: string, uid: number, mode: number): string => {
      const file = site.project.file(name);
      writeFileSync(file, `SECRET of ${name}`);
      chownSync(file, uid, uid);
      chmodSync(file, mode);
      return file;
    };
    const files = [
      make('of-gateway', GATEWAY_ID, 0o600),
      make('of-two', TWO.uid, 0o644),
      make('of-root', 0, 0o600),
      '/etc/shadow',
      `/proc/${process.pid}/environ`,
    ];
    site.project.write('one.py', LIAR);
    const server = gateway === null ? { user: undefined, group: undefined } : {};
    site.configure({ server });
    site.spawn(...(gateway === null ? ['--allow-root'] : []));
    await site.server.waitForOutput(/Ready after/);
    for (const file of files) {
      // What it gets has another length than was promised.
      const text = await read(file).catch(String);
      expect(text, file).not.toMatch(/SECRET|root:|PATH=/);
    }
    // That the lie would work: a file of its own is sent in place of the application's source.
    const own = make('of-one', ONE.uid, 0o644);
    expect(statSync(own).uid).toBe(ONE.uid);
    expect(await read(own)).toBe('SECRET of of-one');
  });
});
