/** The user of the benchmark of middleware. */
import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Application } from './applications.js';
import { insertField } from './http/request-bytes.js';

export const credentials = { realm: 'Bench', user: 'ada', password: 'lovelace' } as const;

const FIELD = `Authorization: Basic ${Buffer.from(`${credentials.user}:${credentials.password}`).toString('base64')}`;

/** `{SHA}`: nginx checks the password of each request, and this is the quickest that it knows. */
export function passwordFile(directory: string): string {
  const file = join(directory, 'passwords');
  const hash = createHash('sha1').update(credentials.password).digest('base64');
  writeFileSync(file, `${credentials.user}:{SHA}${hash}\n`);
  return file;
}

/** The same, asked for with the password. */
export function asUser(application: Application): Application {
  const { exchanges, load } = application;
  const [first, ...others] = exchanges.map(({ request, answer }) => ({
    request: insertField(request, FIELD),
    answer,
  }));
  return { ...application, exchanges: [first!, ...others], load: { ...load, fields: [FIELD] } };
}
