import {
  type Document,
  isAlias,
  isMap,
  isPair,
  isScalar,
  isSeq,
  LineCounter,
  type ParsedNode,
  parseDocument,
  visit,
} from 'yaml';
import type { Position } from '../model/patch.js';
import type { Problem } from './problems.js';

/** A YAML text as plain values, with the place of each. */
export interface YamlValue {
  /** Undefined when there are problems. */
  readonly value: unknown;
  readonly problems: readonly Problem[];
  /** The place of a value. For a path that does not exist: the place of the innermost value on the way to it. */
  locate(path: readonly PropertyKey[]): Position;
  /** The place of a map's key. */
  locateKey(path: readonly PropertyKey[]): Position;
}

/** Reads one YAML 1.2 document. Faults are returned as problems, not thrown. */
export function readYaml(text: string, file: string): YamlValue {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, version: '1.2' });
  const position = (offset: number | undefined): Position => {
    const { line, col } = lines.linePos(offset ?? 0);
    return { file, line: Math.max(line, 1), column: Math.max(col, 1) };
  };
  const problems = [...document.errors, ...document.warnings].map((error) => ({
    at: position(error.pos[0]),
    text: `not valid YAML: ${error.message}`,
  }));
  problems.push(...findTraps(document).map(({ offset, text }) => ({ at: position(offset), text })));
  return {
    // Without aliases, which are refused, no value is larger than its text.
    value: problems.length > 0 ? undefined : document.toJS({ maxAliasCount: 0 }),
    problems,
    locate: (path) => position(findOffset(document.contents, path, 'value')),
    locateKey: (path) => position(findOffset(document.contents, path, 'key')),
  };
}

interface Trap {
  readonly offset: number | undefined;
  readonly text: string;
}

/** Notations that YAML reads otherwise than their author means. */
function findTraps(document: Document.Parsed): Trap[] {
  const traps: Trap[] = [];
  visit(document, (key, node) => {
    if (isAlias(node)) {
      traps.push({ offset: node.range?.[0], text: 'found an alias (*name), wanted the value itself' });
    }
    traps.push(...findDecimalMode(node));
    if (isScalar(node) && key !== 'key' && typeof node.value === 'bigint') {
      traps.push({ offset: node.range?.[0], text: 'found a number that is too large' });
    }
  });
  return traps;
}

/** `mode: 0755` is the decimal number 755 in YAML 1.2. */
function findDecimalMode(node: unknown): Trap[] {
  if (!isPair(node) || !isScalar(node.key) || node.key.value !== 'mode' || !isScalar(node.value)) return [];
  const { source, value, range } = node.value;
  if (typeof value !== 'number' || source === undefined) return [];
  if (!/^[0-9]/.test(source) || /^0[ox]/.test(source)) return [];
  const wanted = /^[0-7]+$/.test(source) ? `0o${source.replace(/^0+(?=.)/, '')}` : 'an octal number';
  const text = `mode: found ${source}, which is decimal in YAML 1.2, wanted ${wanted}`;
  return [{ offset: range?.[0], text }];
}

function findOffset(
  root: ParsedNode | null,
  path: readonly PropertyKey[],
  side: 'key' | 'value',
): number | undefined {
  let node: unknown = root;
  let offset = root?.range?.[0];
  for (const [index, step] of path.entries()) {
    const isLast = index === path.length - 1;
    node = findMember(node, step, isLast ? side : 'value');
    const range = (node as ParsedNode | null | undefined)?.range;
    if (!range) return offset;
    offset = range[0];
  }
  return offset;
}

function findMember(node: unknown, step: PropertyKey, side: 'key' | 'value'): unknown {
  if (isSeq(node)) return node.items[Number(step)];
  if (!isMap(node)) return undefined;
  const pair = node.items.find(({ key }) => isScalar(key) && String(key.value) === String(step));
  return side === 'key' ? pair?.key : (pair?.value ?? pair?.key);
}
