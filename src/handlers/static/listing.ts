/**
 * What is in a folder, as a page or, for programs, as JSON.
 *
 * One listing is made at a time, and those who ask for the same at the same time are given the same: a large folder is work, and whoever may
 * ask for it may ask often.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { toText } from '../../gateway/byte-text.js';
import { chooseMediaType } from '../../http/accept.js';
import { combinedValue } from '../../http/field-values.js';
import { ResponseHead } from '../../http/response-head.js';
import type { GatewayRequest, GatewayResponse } from '../../types.js';
import { type ListedFile, readFolderFiles } from './folder-files.js';
import { formatListing, LISTING_POLICY } from './listing-page.js';

export interface FolderToList {
  readonly root: string;
  readonly mount: string;
  readonly folder: string;
  /** Decoded, below the mount, with a slash at its end. */
  readonly urlPath: string;
}

const MEDIA_TYPES = ['text/html', 'application/json'] as const;
type MediaType = (typeof MEDIA_TYPES)[number];

interface Making {
  readonly answer: Promise<GatewayResponse>;
  /** `performance.now()` of when the disk was first asked; Infinity as long as others are before it. */
  startedAtMs: number;
}

export class Listings {
  readonly #freshMs: number;
  /** By media type and path. */
  readonly #made = new Map<string, Making>();
  #last: Promise<unknown> = Promise.resolve();

  /** @param freshMs how long what the disk has said is given to others */
  constructor(freshMs: number) {
    this.#freshMs = freshMs;
  }

  /** Rejects with the error of the system if the folder cannot be read. */
  answer(request: GatewayRequest, folder: FolderToList): Promise<GatewayResponse> {
    const accept = combinedValue(request.fields, 'accept');
    const mediaType = chooseMediaType(accept, MEDIA_TYPES) ?? 'text/html';
    this.#forgetOld();
    const key = `${mediaType} ${folder.mount}${folder.urlPath}`;
    return (this.#made.get(key) ?? this.#make(key, mediaType, folder)).answer;
  }

  #make(key: string, mediaType: MediaType, folder: FolderToList): Making {
    const answer = this.#last.then(() => {
      making.startedAtMs = performance.now();
      return listFolder(folder, mediaType);
    });
    const making: Making = { answer, startedAtMs: Infinity };
    this.#last = answer.catch(() => {});
    this.#made.set(key, making);
    return making;
  }

  #forgetOld(): void {
    const oldestMs = performance.now() - this.#freshMs;
    for (const [key, { startedAtMs }] of this.#made) if (startedAtMs <= oldestMs) this.#made.delete(key);
  }
}

async function listFolder(folder: FolderToList, mediaType: MediaType): Promise<GatewayResponse> {
  const { files, more } = await readFolderFiles(folder.root, folder.folder);
  // Some 10 ms each, for 5,000 names.
  await nextTurn();
  const sorted = files.toSorted(byTypeAndName);
  await nextTurn();
  if (mediaType === 'application/json') return jsonAnswer(sorted);
  const path = toText(folder.mount + folder.urlPath);
  const page = formatListing({ path, isRoot: folder.urlPath === '/', files: sorted, more });
  return respond('text/html; charset=utf-8', page, ['Content-Security-Policy', LISTING_POLICY]);
}

function jsonAnswer(files: readonly ListedFile[]): GatewayResponse {
  const entries = files.map(({ name, type, size, modified }) => ({ name, type, size, modified }));
  return respond('application/json; charset=utf-8', `${JSON.stringify(entries)}\n`, []);
}

function byTypeAndName(a: ListedFile, b: ListedFile): number {
  if (a.type !== b.type) return a.type === 'directory' ? -1 : 1;
  return collator.compare(a.name, b.name);
}

const collator = new Intl.Collator('en', { numeric: true });

function respond(mediaType: string, text: string, fields: readonly string[]): GatewayResponse {
  const head = new ResponseHead(200, ['Content-Type', mediaType, 'Vary', 'Accept', ...fields]);
  return { head, body: { kind: 'bytes', bytes: Buffer.from(text) } };
}
