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
  type Node,
} from 'yaml';
import { ConfigError } from '../errors.js';
import type { Document, Position, SettingPath } from './file.js';

/**
 * @param name of the file, for messages
 * @throws ConfigError `XGI_CONFIG_FILE`, which begins with the place
 */
export function parseYaml(source: string, name: string): Document {
  const lines = new LineCounter();
  const document = parseDocument(source, { lineCounter: lines, prettyErrors: false });
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
  if (problem !== undefined) throw refuse(problem.pos[0], problem.message);
  return {
    value: toValue(document, refuse),
    locate: (at, what) => {
      const offset = locate(document.contents, at, what);
      return offset === undefined ? undefined : positionAt(offset);
    },
  };
}

function toValue(
  document: ReturnType<typeof parseDocument>,
  refuse: (offset: number, message: string) => ConfigError,
): unknown {
  try {
    return document.toJS();
  } catch (error) {
    // An alias without an anchor; or thousands of them, which would be millions of values.
    throw refuse(0, (error as Error).message);
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
