// The flattened device tree, "Devicetree Specification" 0.4, chapter 5; all numbers are big endian.

import { alignUp } from '../align-up.js';

export const headerSize = 40;
const magic = 0xd00dfeed;
const token = { begin: 1, end: 2, property: 3, nop: 4 };
const deepest = 32;
const mostTokens = 100_000;
/** Bytes of the strings block, which has the name of each property once. */
const largestStrings = 2 ** 20;
/** Bytes of a token without the value of a property: the names of nodes have 31 letters at most. */
const longestHead = 256;

export interface TreeHeader {
  readonly totalSize: number;
  readonly struct: { readonly offset: number; readonly size: number };
  readonly strings: { readonly offset: number; readonly size: number };
}

/** A property: where its length and its value stand, from the start of the file. */
export interface TreeProperty {
  readonly lengthAt: number;
  readonly valueAt: number;
  readonly size: number;
}

export interface TreeNode {
  readonly name: string;
  readonly properties: ReadonlyMap<string, TreeProperty>;
  readonly children: readonly TreeNode[];
}

/** Undefined: this is no tree of version 17. */
export function parseHeader(bytes: Buffer): TreeHeader | undefined {
  if (bytes.length < headerSize || bytes.readUInt32BE(0) !== magic) return undefined;
  const totalSize = bytes.readUInt32BE(4);
  const strings = { offset: bytes.readUInt32BE(12), size: bytes.readUInt32BE(32) };
  const struct = { offset: bytes.readUInt32BE(8), size: bytes.readUInt32BE(36) };
  const isInside = [strings, struct].every((block) => block.offset + block.size <= totalSize);
  if (!isInside || strings.size > largestStrings) return undefined;
  if (bytes.readUInt32BE(20) < 17 || struct.offset % 4 !== 0) return undefined;
  return { totalSize, struct, strings };
}

export interface TreeSource {
  /** The bytes from `offset` up to `end`. */
  read(offset: number, end: number): Promise<Buffer>;
}

interface OpenNode {
  readonly name: string;
  readonly properties: Map<string, TreeProperty>;
  readonly children: OpenNode[];
}

/** The root; values stay in the file, which may be large. Undefined: the tree is damaged. */
export async function parseTree(source: TreeSource, header: TreeHeader): Promise<TreeNode | undefined> {
  const { struct, strings } = header;
  const names = await source.read(strings.offset, strings.offset + strings.size);
  const end = struct.offset + struct.size;
  const open: OpenNode[] = [];
  let nodes = 0;
  for (let at = struct.offset; at + 4 <= end; ) {
    const head = await source.read(at, Math.min(end, at + longestHead));
    const read = readToken(head, { at, end, names });
    if (read === undefined || ++nodes > mostTokens) return undefined;
    at += read.size;
    if (read.begin !== undefined && open.length < deepest)
      open.push({ name: read.begin, properties: new Map(), children: [] });
    else if (read.property !== undefined) open.at(-1)?.properties.set(read.property.name, read.property);
    else if (read.isEnd) {
      const node = open.pop();
      if (node === undefined || open.length === 0) return node;
      open.at(-1)?.children.push(node);
    } else if (read.begin !== undefined) return undefined;
  }
  return undefined;
}

interface Token {
  /** Bytes of it. */
  readonly size: number;
  /** The name of a node that begins. */
  readonly begin?: string;
  readonly property?: TreeProperty & { readonly name: string };
  readonly isEnd?: boolean;
}

function readToken(
  head: Buffer,
  { at, end, names }: { readonly at: number; readonly end: number; readonly names: Buffer },
): Token | undefined {
  switch (head.readUInt32BE(0)) {
    case token.nop:
      return { size: 4 };
    case token.end:
      return { size: 4, isEnd: true };
    case token.begin: {
      const length = head.indexOf(0, 4) - 4;
      return length < 0
        ? undefined
        : { size: 4 + align(length + 1), begin: head.toString('latin1', 4, 4 + length) };
    }
    case token.property: {
      if (head.length < 12) return undefined;
      const size = head.readUInt32BE(4);
      const nameAt = head.readUInt32BE(8);
      const nameEnd = nameAt < names.length ? names.indexOf(0, nameAt) : -1;
      if (nameEnd < 0 || at + 12 + size > end) return undefined;
      const name = names.toString('latin1', nameAt, nameEnd);
      return { size: 12 + align(size), property: { name, lengthAt: at + 4, valueAt: at + 12, size } };
    }
    default:
      return undefined;
  }
}

export function align(size: number): number {
  return alignUp(size, 4);
}
