/** What the header of a qcow2 disk says, as far as it decides whether the file is whole and stands alone (QEMU, docs/interop/qcow2.txt). */
export interface Qcow2Header {
  readonly version: number;
  /** Bytes of the disk inside. */
  readonly size: number;
  /** The end of the table that leads to all of its content. */
  readonly tableEnd: number;
  /** The file that has what this one lacks. An empty name stands for one that is not in these bytes. */
  readonly backing?: string | undefined;
  readonly hasDataFile: boolean;
  readonly isEncrypted: boolean;
  /** Its last user found it damaged. */
  readonly isCorrupt: boolean;
  /** Bits of `incompatible` that no QEMU until now has used. */
  readonly unknown: readonly number[];
}

/** Bytes that hold a header with its extensions, as programs write it. */
export const qcow2Start = 64 * 1024;

const magic = 0x514649fb;
const lengths = { 2: 72, 3: 104 } as const;
const extensions = { end: 0, dataFile: 0x44415441 } as const;
const incompatible = { corrupt: 1, dataFile: 2, known: 5 } as const;

/** Undefined for bytes that are no such header. */
export function parseQcow2(start: Uint8Array): Qcow2Header | undefined {
  const view = new DataView(start.buffer, start.byteOffset, start.length);
  if (start.length < lengths[2] || view.getUint32(0) !== magic) return undefined;
  const version = view.getUint32(4);
  if (version !== 2 && version !== 3) return undefined;
  if (start.length < lengths[version]) return undefined;
  const length = version === 2 ? lengths[2] : view.getUint32(100);
  const clusterBits = view.getUint32(20);
  if (length < lengths[version] || clusterBits < 9 || clusterBits > 21) return undefined;
  const features = version === 2 ? 0n : view.getBigUint64(72);
  const has = (bit: number) => ((features >> BigInt(bit)) & 1n) === 1n;
  const bits = Array.from({ length: 64 }, (_, bit) => bit);
  return {
    version,
    size: Number(view.getBigUint64(24)),
    tableEnd: Number(view.getBigUint64(40)) + 8 * view.getUint32(36),
    backing: readBacking(view),
    hasDataFile: has(incompatible.dataFile) || listExtensions(view, length).has(extensions.dataFile),
    isEncrypted: view.getUint32(32) !== 0,
    isCorrupt: has(incompatible.corrupt),
    unknown: bits.filter((bit) => bit >= incompatible.known && has(bit)),
  };
}

function readBacking(view: DataView): string | undefined {
  const offset = view.getBigUint64(8);
  if (offset === 0n) return undefined;
  const end = Number(offset) + view.getUint32(16);
  if (end > view.byteLength) return '';
  const name = new Uint8Array(view.buffer, view.byteOffset + Number(offset), view.getUint32(16));
  return new TextDecoder().decode(name);
}

/** Their types; each has its length in front, and is padded to eight bytes. */
function listExtensions(view: DataView, start: number): ReadonlySet<number> {
  const types = new Set<number>();
  for (let at = start; at + 8 <= view.byteLength; ) {
    const type = view.getUint32(at);
    if (type === extensions.end) break;
    types.add(type);
    at += 8 + Math.ceil(view.getUint32(at + 4) / 8) * 8;
  }
  return types;
}
