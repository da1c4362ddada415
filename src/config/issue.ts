/**
 * What is wrong with a value that a schema does not take: one issue of those that zod finds, in the words of xgi. The message of an issue is what was
 * expected, and no more.
 */
import { z } from 'zod/v3';
import type { SettingPath } from './file.js';
import { formatReceived } from '../errors/received.js';

/** What an issue tells beyond its message. */
interface IssueParams {
  /** In the place of the value: the value itself would not show it, or should not be shown. */
  readonly received?: string;
  /** It is about the key, the last of the path. */
  readonly isKey?: boolean;
}

export type Checked<T> = { readonly data: T; readonly issue?: never } | { readonly issue: z.ZodIssue };

/** The value read; or, of what is wrong with it, the first. */
export function checkValue<S extends z.ZodTypeAny>(schema: S, value: unknown): Checked<z.output<S>> {
  const result = schema.safeParse(value, { errorMap: inWords });
  return result.success
    ? { data: result.data as z.output<S> }
    : { issue: nearest(firstOf(result.error, value)) };
}

/** What is missing may be there by another name, which is the mistake then. */
function firstOf({ issues }: z.ZodError, value: unknown): z.ZodIssue {
  const [first] = issues as [z.ZodIssue];
  const isMissing = valueAt(value, first.path) === undefined;
  const within = first.path.slice(0, -1).join('\0');
  const unknown = issues.find(({ code, path }) => code === 'unrecognized_keys' && path.join('\0') === within);
  return (isMissing ? unknown : undefined) ?? first;
}

/** `expected …, received …` @param received the value that stands there */
export function describeIssue(issue: z.ZodIssue, received: unknown): string {
  const own = isAboutKey(issue) ? formatReceived(issue.path.at(-1)) : paramsOf(issue).received;
  return `expected ${issue.message}, received ${own ?? formatReceived(received) + hintOf(issue, received)}`;
}

export function isAboutKey(issue: z.ZodIssue): boolean {
  return paramsOf(issue).isKey === true;
}

/** For a check of several options together. @param received what there is instead: neither, both */
export function together(expected: string, received: string): { message: string; params: IssueParams } {
  return { message: expected, params: { received } };
}

/** For a key of an object. */
export function wrongKey(key: string, expected: string): z.IssueData {
  return { code: 'custom', path: [key], message: expected, params: { isKey: true } satisfies IssueParams };
}

export function valueAt(value: unknown, at: SettingPath): unknown {
  return at.reduce<unknown>((parent, key) => (parent as Record<string | number, unknown>)?.[key], value);
}

function paramsOf(issue: z.ZodIssue): IssueParams {
  return issue.code === 'custom' ? (issue.params ?? {}) : {};
}

/** Of the forms that a value may have: what is wrong with the one that it comes nearest to. */
function nearest(issue: z.ZodIssue): z.ZodIssue {
  if (issue.code !== 'invalid_union') return issue;
  const issues = issue.unionErrors.flatMap((error) => error.issues.map(nearest));
  return issues.toSorted((a, b) => depthOf(b) - depthOf(a) || rankOf(a) - rankOf(b))[0]!;
}

function depthOf({ code, path }: z.ZodIssue): number {
  return path.length + (code === 'unrecognized_keys' ? 1 : 0);
}

/** Of a key that is misspelt, rather than that the right one is missing. */
function rankOf({ code }: z.ZodIssue): number {
  return code === 'unrecognized_keys' ? 0 : 1;
}

const KINDS: Readonly<Partial<Record<z.ZodParsedType, string>>> = {
  array: 'a list',
  boolean: 'true or false',
  number: 'a number',
  object: 'an object',
  string: 'text',
};

/** For what a schema has no words of its own: zod's are whole sentences. @param context `defaultError` is what the schema says, or zod */
const inWords: z.ZodErrorMap = (issue, context) => {
  const { defaultError } = context;
  const isZods = defaultError === z.defaultErrorMap(issue, { ...context, defaultError: '' }).message;
  if (!isZods || issue.code !== 'invalid_type') return { message: defaultError };
  return { message: KINDS[issue.expected] ?? issue.expected };
};

/** What is of a type that is easily taken for the right one. */
function hintOf(issue: z.ZodIssue, received: unknown): string {
  if (issue.code !== 'invalid_type') return '';
  if (issue.expected === 'array' && typeof received === 'string')
    return `; did you mean [${formatReceived(received)}]?`;
  if (issue.expected !== 'string') return '';
  if (typeof received === 'number') return '; put it in quotes';
  const isListOfText = Array.isArray(received) && received.every((item) => typeof item === 'string');
  return isListOfText ? `; did you mean ${formatReceived(received.join(','))}?` : '';
}
