export interface FatEntry {
  /** Bytes from the start of the directory. */
  readonly at: number;
  readonly name: string;
  readonly cluster: number;
  readonly size: number;
  readonly isFolder: boolean;
}

const attributes = { label: 0x08, folder: 0x10, longName: 0x0f };

/** The entries of a directory but for itself and its parent. */
export function* listEntries(folder: Buffer): Generator<FatEntry, void, void> {
  let long = '';
  for (let at = 0; at + 32 <= folder.length && folder[at] !== 0; at += 32) {
    const entry = folder.subarray(at, at + 32);
    const kind = entry[11] ?? 0;
    if (entry[0] === 0xe5) {
      long = '';
      continue;
    }
    if ((kind & 0x3f) === attributes.longName) {
      // The pieces of a long name stand in front of its file, the last one first.
      long = readLongPiece(entry) + ((entry[0] ?? 0) & 0x40 ? '' : long);
      continue;
    }
    const name = long || readShortName(entry);
    long = '';
    if (kind & attributes.label || /[/\0]|^\.{0,2}$/.test(name)) continue;
    yield {
      name,
      at,
      cluster: entry.readUInt16LE(20) * 2 ** 16 + entry.readUInt16LE(26),
      size: entry.readUInt32LE(28),
      isFolder: (kind & attributes.folder) !== 0,
    };
  }
}

function readLongPiece(entry: Buffer): string {
  const bytes = Buffer.concat([entry.subarray(1, 11), entry.subarray(14, 26), entry.subarray(28, 32)]);
  return bytes.toString('utf16le').split('\0', 1)[0] ?? '';
}

/** Windows NT has two bits for names in lower case, which need no long name then. */
function readShortName(entry: Buffer): string {
  const bits = entry[12] ?? 0;
  const read = (from: number, to: number, bit: number) => {
    const text = entry.toString('latin1', from, to).trimEnd();
    return bits & bit ? text.toLowerCase() : text;
  };
  const extension = read(8, 11, 0x10);
  return `${read(0, 8, 0x08)}${extension === '' ? '' : `.${extension}`}`;
}
