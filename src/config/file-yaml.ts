/** YAML 1.2, and JSON, which is a part of it. */
import {
  isAlias,
  isCollection,
  isMap,
  isNode,
  isPair,
  isScalar,
  LineCounter,
  parseDocument,
  visit,
  type Document as YamlDocument,
  type Node,
  type YAMLMap,
} from 'yaml';
import { ConfigError } from '../errors.js';
import type { Document, Position, SettingPath } from './file.js';

/**
 * @param name of the file, for messages
 * @throws ConfigError `XGI_CONFIG_FILE`, which begins with the place
 */
export function parseYaml(source: string, name: string): Document {
  const lines = new LineCounter();
  // It looks for keys that are there twice by comparing each with all: a minute, for 100,000.
  const document = parseDocument(source, { lineCounter: lines, prettyErrors: false, uniqueKeys: false });
  const positionAt = (offset: number): Position => {
    const { line, col } = lines.linePos(offset);
    return { line, column: col };
  };
  const refuse = (offset: number, message: string): ConfigError => {
    const { line, column } = positionAt(offset);
    return new ConfigError('XGI_CONFIG_FILE', `${name}:${line}:${column}: ${message}`);
  };
  // A warning is about a tag that means nothing here: a value that would be another than was meant.
  const [problem] = [...document.errors, ...document.warnings];
  if (problem !== undefined) throw refuse(problem.pos[0], MESSAGES[problem.code] ?? problem.message);
  checkNames(document, refuse);
  return {
    value: toValue(document, refuse),
    locate: (at, what) => {
      const offset = locate(document.contents, at, what);
      return offset === undefined ? undefined : positionAt(offset);
    },
  };
}

/** Where the parser's own words are for programmers. */
const MESSAGES: Partial<Record<string, string>> = {
  MULTIPLE_DOCS: 'expected one document, and here another begins',
  RESOURCE_EXHAUSTION: 'it is nested too deeply',
};

type Refuse = (offset: number, message: string) => ConfigError;

/** Keys that are there twice, and aliases of what is not there before them. */
function checkNames(document: YamlDocument.Parsed, refuse: Refuse): void {
  const anchors = new Set<string>();
  visit(document, {
    Node(_, node) {
      if (isAlias(node)) {
        if (!anchors.has(node.source))
          throw refuse(offsetOf(node) ?? 0, `there is no anchor &${node.source} before this alias`);
        return;
      }
      if (node.anchor !== undefined) anchors.add(node.anchor);
      if (isMap(node)) checkKeys(node, refuse);
    },
  });
}

function checkKeys({ items }: YAMLMap, refuse: Refuse): void {
  const keys = new Set<string>();
  for (const { key } of items) {
    if (!isScalar(key))
      throw refuse(offsetOf(key) ?? 0, 'expected the name of a setting, received something else');
    const name = String(key.value);
    if (keys.has(name)) throw refuse(offsetOf(key) ?? 0, `${name} is there twice`);
    keys.add(name);
  }
}

function toValue(document: YamlDocument.Parsed, refuse: Refuse): unknown {
  try {
    return document.toJS();
  } catch {
    let first = 0;
    visit(document, {
      Alias(_, alias) {
        first = offsetOf(alias) ?? 0;
        return visit.BREAK;
      },
    });
    throw refuse(first, 'its aliases, written out, would be too large');
  }
}

/** The offset of the last node on the way that is there: of a setting that is missing, its parent's. */
function locate(root: Node | null, at: SettingPath, what: 'key' | 'value'): number | undefined {
  let node: unknown = root;
  let offset = offsetOf(root);
  for (const [i, key] of at.entries()) {
    if (!isCollection(node) || isAlias(node)) return offset;
    const item: unknown = isMap(node)
      ? node.items.find((pair) => isScalar(pair.key) && String(pair.key.value) === String(key))
      : node.items[Number(key)];
    if (item === undefined) return offset;
    if (isPair(item)) {
      const isWanted = what === 'key' && i === at.length - 1;
      offset = (isWanted ? undefined : offsetOf(item.value)) ?? offsetOf(item.key);
      node = item.value;
    } else {
      offset = offsetOf(item);
      node = item;
    }
  }
  return offset;
}

function offsetOf(node: unknown): number | undefined {
  return isNode(node) ? node.range?.[0] : undefined;
}
