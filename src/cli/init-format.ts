/** A configuration as the text of a file, with comments. */
import { Document, isMap, isScalar, isSeq, type Node, type Pair } from 'yaml';
import type { UserConfig } from '../config/schema.js';

/** Path of a setting, `apps.web` → what stands above it. */
export type Comments = ReadonlyMap<string, string>;

const HEAD = 'Written by xgi init. What else can be set: docs/guide/configuration.md of xgi.';

export function formatYaml(config: UserConfig, comments: Comments): string {
  const document = new Document(config);
  document.commentBefore = ` ${HEAD}`;
  const root = document.contents as Node;
  if (isMap(root)) {
    comment(root.items, '', comments);
    const apps = root.get('apps', true);
    if (isMap(apps)) comment(apps.items, 'apps.', comments);
    const routes = root.get('routes', true);
    // One line each: they are read as a table.
    if (isSeq(routes)) for (const route of routes.items) (route as { flow?: boolean }).flow = true;
  }
  return document.toString({ lineWidth: 0 });
}

function comment(pairs: readonly Pair[], prefix: string, comments: Comments): void {
  for (const { key } of pairs) {
    const text = isScalar(key) ? comments.get(prefix + String(key.value)) : undefined;
    if (isScalar(key) && text !== undefined) key.commentBefore = ` ${oneLine(text)}`;
  }
}

export function formatTypescript(config: UserConfig, comments: Comments): string {
  const body = formatObject(config, { indent: '', prefix: '', comments });
  return `// ${HEAD}\nimport { defineConfig } from 'xgi';\n\nexport default defineConfig(${body});\n`;
}

interface Place {
  readonly indent: string;
  /** Of the paths of what is inside. */
  readonly prefix: string;
  readonly comments: Comments;
}

/** One line for each setting; what is below `apps.NAME` and in lists stays on one. */
function formatObject(object: object, { indent, prefix, comments }: Place): string {
  const inner = `${indent}  `;
  const lines = Object.entries(object).map(([key, value]: [string, unknown]) => {
    const text = comments.get(prefix + key);
    const above = text === undefined ? '' : `${inner}// ${oneLine(text)}\n`;
    return `${above}${inner}${formatKey(key)}: ${formatSetting(key, value, { indent: inner, prefix: `${prefix}${key}.`, comments })},\n`;
  });
  return `{\n${lines.join('')}${indent}}`;
}

function formatSetting(key: string, value: unknown, place: Place): string {
  if (key === 'apps' && place.prefix === 'apps.') return formatObject(value as object, place);
  if (key === 'routes' && place.prefix === 'routes.')
    return `[\n${(value as unknown[]).map((route) => `${place.indent}  ${formatInline(route)},\n`).join('')}${place.indent}]`;
  return formatInline(value);
}

function formatInline(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(formatInline).join(', ')}]`;
  if (typeof value === 'object' && value !== null) {
    const parts = Object.entries(value).map(([key, item]) => `${formatKey(key)}: ${formatInline(item)}`);
    return `{ ${parts.join(', ')} }`;
  }
  return typeof value === 'string' ? formatText(value) : JSON.stringify(value);
}

function formatKey(key: string): string {
  return /^[A-Za-z_$][\w$]*$/.test(key) ? key : formatText(key);
}

function formatText(text: string): string {
  return `'${JSON.stringify(text)
    .slice(1, -1)
    .replaceAll(String.raw`\"`, '"')
    .replaceAll("'", String.raw`\'`)}'`;
}

/** A name of a file may hold anything. */
function oneLine(text: string): string {
  return text.replaceAll(/[\p{Cc}\p{Zl}\p{Zp}]/gu, ' ');
}
