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
  readonly value: unknown;
  readonly problems: readonly Problem[];
  /** Where a value stands; of a path that is not there, the place of what would hold it. */
  locate(path: readonly PropertyKey[]): Position;
  /** Where the key of a map's member stands. */
  locateKey(path: readonly PropertyKey[]): Position;
}

/** Reads one YAML 1.2 document. What is wrong with it comes as problems; `value` is then undefined. */
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
    // An alias is refused above: nothing can be larger than its text.
    value: problems.length > 0 ? undefined : document.toJS({ maxAliasCount: 0 }),
    problems,
    locate: (path) => position(findOffset(document.contents, path, 'value')),
    locateKey: (path) => position(findOffset(document.contents, path, 'key')),
  };
}

/** What YAML reads otherwise than its author means. */
function findTraps(document: Document.Parsed): { offset: number | undefined; text: string }[] {
  const traps: { offset: number | undefined; text: string }[] = [];
  visit(document, (key, node) => {
    if (isAlias(node)) {
      traps.push({ offset: node.range?.[0], text: 'found an alias (*name), wanted the value itself' });
    }
    if (isPair(node) && isScalar(node.key) && node.key.value === 'mode' && isScalar(node.value)) {
      const { source, value, range } = node.value;
      if (
        typeof value === 'number' &&
        source !== undefined &&
        /^[0-9]/.test(source) &&
        !/^0[ox]/.test(source)
      ) {
        const wanted = /^[0-7]+$/.test(source) ? `0o${source.replace(/^0+(?=.)/, '')}` : 'an octal number';
        traps.push({
          offset: range?.[0],
          text: `mode: found ${source}, which is decimal in YAML 1.2, wanted ${wanted}`,
        });
      }
    }
    if (isScalar(node) && key !== 'key' && typeof node.value === 'bigint') {
      traps.push({ offset: node.range?.[0], text: 'found a number that is too large' });
    }
  });
  return traps;
}

function findOffset(
  root: ParsedNode | null,
  path: readonly PropertyKey[],
  side: 'key' | 'value',
): number | undefined {
  let node: unknown = root;
  let offset = root?.range?.[0];
  for (const [index, step] of path.entries()) {
    const last = index === path.length - 1;
    if (isMap(node)) {
      const pair = node.items.find(({ key }) => isScalar(key) && String(key.value) === String(step));
      if (!pair) return offset;
      const found = last && side === 'key' ? pair.key : (pair.value ?? pair.key);
      node = found;
    } else if (isSeq(node)) node = node.items[Number(step)];
    else return offset;
    const range = (node as ParsedNode | null | undefined)?.range;
    if (!range) return offset;
    offset = range[0];
  }
  return offset;
}
