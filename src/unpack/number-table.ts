/** Rows of numbers of 32 bits, each as wide as the block that it is in needs. */
export interface NumberTable {
  /** As many numbers as there are columns. */
  push(row: ArrayLike<number>): void;
  get(row: number, column: number): number;
  /** The whole row; valid until the next call. */
  read(row: number): Readonly<Uint32Array>;
}

/** Rows of a block: in so few, places and times are near each other, and a field that all records share takes nothing. */
const blockRows = 512;
/** Room for rows at first: a thousand small archives are read one by one. */
const firstRows = 16;

interface Block {
  /** The rows: what the numbers of the columns with a width are above the smallest, lowest byte first. */
  readonly bytes: Uint8Array;
  readonly rowSize: number;
  /** By column. */
  readonly least: Uint32Array;
  readonly columns: readonly Column[];
}

/** Columns of which all numbers of the block are equal are none. */
interface Column {
  readonly column: number;
  /** From the start of a row. */
  readonly start: number;
  readonly width: number;
}

export function createNumberTable(columns: number): NumberTable {
  const blocks: Block[] = [];
  let open = new Uint32Array(firstRows * columns);
  const result = new Uint32Array(columns);
  let rows = 0;

  function push(row: ArrayLike<number>): void {
    if (rows * columns === open.length) open = enlarge(open);
    open.set(row, rows * columns);
    rows += 1;
    if (rows < blockRows) return;
    blocks.push(pack(open, columns));
    rows = 0;
  }

  function get(row: number, column: number): number {
    const block = blocks[Math.trunc(row / blockRows)];
    const at = row % blockRows;
    if (block === undefined) return open[at * columns + column] ?? 0;
    const packed = block.columns.find((each) => each.column === column);
    return (block.least[column] ?? 0) + (packed === undefined ? 0 : unpack(block, at, packed));
  }

  function read(row: number): Readonly<Uint32Array> {
    const block = blocks[Math.trunc(row / blockRows)];
    const at = row % blockRows;
    if (block === undefined) return open.subarray(at * columns, (at + 1) * columns);
    result.set(block.least);
    for (const packed of block.columns) {
      const { column } = packed;
      result[column] = (result[column] ?? 0) + unpack(block, at, packed);
    }
    return result;
  }

  return { push, get, read };
}

function enlarge(numbers: Uint32Array): Uint32Array<ArrayBuffer> {
  const larger = new Uint32Array(2 * numbers.length);
  larger.set(numbers);
  return larger;
}

function pack(rows: Uint32Array, count: number): Block {
  const least = new Uint32Array(count);
  const columns: Column[] = [];
  let rowSize = 0;
  for (let column = 0; column < count; column += 1) {
    const { smallest, largest } = findRange(rows, column, count);
    least[column] = smallest;
    const width = Math.ceil((32 - Math.clz32(largest - smallest)) / 8);
    if (width > 0) columns.push({ column, start: rowSize, width });
    rowSize += width;
  }
  const bytes = new Uint8Array((rowSize * rows.length) / count);
  for (const { column, start, width } of columns) {
    let to = start;
    for (let from = column; from < rows.length; from += count) {
      const number = (rows[from] ?? 0) - (least[column] ?? 0);
      for (let byte = 0; byte < width; byte += 1) bytes[to + byte] = number >>> (8 * byte);
      to += rowSize;
    }
  }
  return { bytes, rowSize, least, columns };
}

function findRange(rows: Uint32Array, column: number, count: number) {
  let smallest = 0xffffffff;
  let largest = 0;
  for (let at = column; at < rows.length; at += count) {
    const number = rows[at] ?? 0;
    if (number < smallest) smallest = number;
    if (number > largest) largest = number;
  }
  return { smallest, largest };
}

function unpack({ bytes, rowSize }: Block, row: number, { start, width }: Column): number {
  const from = row * rowSize + start;
  let number = 0;
  for (let at = from + width - 1; at >= from; at -= 1) number = number * 256 + (bytes[at] ?? 0);
  return number;
}
