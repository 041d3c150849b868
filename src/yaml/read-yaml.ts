import {
  type Document,
  isAlias,
  isMap,
  isPair,
  isScalar,
  isSeq,
  LineCounter,
  type Pair,
  type ParsedNode,
  parseDocument,
  visit,
  type YAMLError,
  type YAMLMap,
} from 'yaml';
import type { Position } from '../model/patch/patch.js';
import { type Excess, findExcess } from './nesting.js';
import type { ProblemCode } from './problem-code.js';
import type { Problem } from './problems.js';
import { explainSyntax } from './syntax.js';

/** A YAML text as plain values, with the place of each. */
export interface YamlValue {
  /** Undefined when the text is no YAML, or has what is refused in any file. Traps leave it readable. */
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
  const position = (offset: number | undefined): Position => {
    const { line, col } = lines.linePos(offset ?? 0);
    return { file, line: Math.max(line, 1), column: Math.max(col, 1) };
  };
  const excess = findExcess(text);
  if (excess !== undefined) return refuse(excess, text, file);
  const document = parseText(text, lines);
  const problems: Problem[] = listSyntax(document).map(({ pos: [offset], code }) => ({
    at: position(offset),
    code: 'yaml-syntax',
    ...explainSyntax(code, text.slice(offset)),
  }));
  const traps = findTraps(document, (offset) => position(offset).line);
  const isReadable = problems.length === 0 && !traps.some(({ hidesValue }) => hidesValue);
  for (const { offset, code = 'yaml-trap', text: found } of traps)
    problems.push({ at: position(offset), code, text: found });
  const find = createFinder();
  return {
    // Without aliases, which are refused, no value is larger than its text.
    value: isReadable ? document.toJS({ maxAliasCount: 0 }) : undefined,
    problems,
    locate: (path) => position(findOffset(document.contents, { path, side: 'value', find })),
    locateKey: (path) => position(findOffset(document.contents, { path, side: 'key', find })),
  };
}

/** One fault of a line often looks like several. */
function listSyntax({ errors, warnings }: Document.Parsed): YAMLError[] {
  const sorted = [...errors, ...warnings].sort((a, b) => a.pos[0] - b.pos[0]);
  return sorted.filter(({ pos: [offset] }, index) => {
    const before = sorted[index - 1]?.pos[1] ?? Number.NEGATIVE_INFINITY;
    return offset > before + 1;
  });
}

/**
 * Each of many faults would cost the stack at its place, which nobody sees. The library compares each key with all before
 * it; `findTraps` finds equal ones.
 */
function parseText(text: string, lineCounter: LineCounter): Document.Parsed {
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = 0;
  try {
    return parseDocument(text, { lineCounter, prettyErrors: false, version: '1.2', uniqueKeys: false });
  } finally {
    Error.stackTraceLimit = stackTraceLimit;
  }
}

function refuse({ offset, text: found }: Excess, text: string, file: string): YamlValue {
  const before = text.slice(0, offset);
  const line = before.split('\n').length;
  const at = { file, line, column: offset - before.lastIndexOf('\n') };
  const problems: Problem[] = [{ at, code: 'yaml-syntax', text: `${found}, wanted fewer` }];
  return { value: undefined, problems, locate: () => at, locateKey: () => at };
}

interface Trap {
  readonly offset: number | undefined;
  readonly text: string;
  /** Default: `yaml-trap`. */
  readonly code?: ProblemCode;
  /**
   * Whether there is no value to go on with: an alias may stand for more than its text, a schema knows no bigint and
   * drops the key __proto__.
   */
  readonly hidesValue?: true;
}

/** Notations that YAML reads otherwise than their author means, and keys that come twice. */
function findTraps(document: Document.Parsed, lineOf: (offset: number | undefined) => number): Trap[] {
  const traps: Trap[] = [];
  visit(document, (key, node) => {
    if (isAlias(node)) {
      traps.push({
        offset: node.range?.[0],
        text: 'found an alias (*name), wanted the value itself',
        hidesValue: true,
      });
    }
    for (const trap of findRepeatedKeys(node, lineOf)) traps.push(trap);
    for (const trap of findPrototypeKey(node)) traps.push(trap);
    for (const trap of findDecimalMode(node)) traps.push(trap);
    for (const trap of findShortenedNumber(node)) traps.push(trap);
    if (isScalar(node) && key !== 'key' && typeof node.value === 'bigint') {
      traps.push({ offset: node.range?.[0], text: 'found a number that is too large', hidesValue: true });
    }
  });
  return traps;
}

function findRepeatedKeys(node: unknown, lineOf: (offset: number | undefined) => number): Trap[] {
  if (!isMap(node)) return [];
  const seen = new Map<unknown, number | undefined>();
  return node.items.flatMap(({ key }): Trap[] => {
    if (!isScalar(key)) return [];
    if (!seen.has(key.value)) {
      seen.set(key.value, key.range?.[0]);
      return [];
    }
    const first = lineOf(seen.get(key.value));
    const name = String(key.value).slice(0, 80);
    const text = `found the key "${name}" a second time (the first is in line ${first}), wanted it once`;
    return [{ offset: key.range?.[0], code: 'key-repeated', text }];
  });
}

/** The name of an object's prototype: schemas drop it without a word, and what assigns it changes the object's kind. */
function findPrototypeKey(node: unknown): Trap[] {
  if (!isPair(node) || !isScalar(node.key) || node.key.value !== '__proto__') return [];
  const text = 'found the key __proto__, wanted another name: JavaScript takes it for a part of every map';
  return [{ offset: node.key.range?.[0], text, hidesValue: true }];
}

/** YAML drops the zeros of `1.10` and reads `1e3` as 1000: a version, a phone number or a code loses characters. */
function findShortenedNumber(node: unknown): Trap[] {
  if (!isPair(node) || !isScalar(node.key) || node.key.value !== 'default' || !isScalar(node.value))
    return [];
  const { source, value, range } = node.value;
  if (typeof value !== 'number' || source === undefined || String(value) === source) return [];
  const text = `default: found ${source}, which YAML reads as the number ${value}, wanted "${source}" in quotes for the text, or ${value}`;
  return [{ offset: range?.[0], text }];
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

type Side = 'key' | 'value';

interface Search {
  readonly path: readonly PropertyKey[];
  readonly side: Side;
  readonly find: FindPair;
}

function findOffset(root: ParsedNode | null, { path, side, find }: Search): number | undefined {
  let node: unknown = root;
  let offset = root?.range?.[0];
  for (const [index, step] of path.entries()) {
    const isLast = index === path.length - 1;
    node = findMember(node, step, { side: isLast ? side : 'value', find });
    const range = (node as ParsedNode | null | undefined)?.range;
    if (!range) return offset;
    offset = range[0];
  }
  return offset;
}

function findMember(
  node: unknown,
  step: PropertyKey,
  { side, find }: Pick<Search, 'side' | 'find'>,
): unknown {
  if (isSeq(node)) return node.items[Number(step)];
  if (!isMap(node)) return undefined;
  const pair = find(node, String(step));
  return side === 'key' ? pair?.key : (pair?.value ?? pair?.key);
}

type FindPair = (map: YAMLMap, key: string) => Pair | undefined;

/** Finds a key of a map; each map is gone through once, however many of its keys are looked for. */
function createFinder(): FindPair {
  const indexes = new Map<YAMLMap, ReadonlyMap<string, Pair>>();
  return (map, key) => {
    const index =
      indexes.get(map) ??
      new Map(map.items.flatMap((pair) => (isScalar(pair.key) ? [[String(pair.key.value), pair]] : [])));
    indexes.set(map, index);
    return index.get(key);
  };
}
