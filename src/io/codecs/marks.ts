/**
 * Marks in a stream of archive bytes, known by their identity. A boundary stands where an entry begins and a
 * compressed member may end: a kernel takes a gzip member that ends there and goes on with the next one; one
 * that is cut inside an entry it refuses ("junk at the end of compressed archive").
 */
const boundaries = new WeakMap<Uint8Array, string | undefined>();
const members = new WeakSet<Uint8Array>();

/** No bytes. `key`: what the run behind it is to be kept under, when it becomes a member of its own. */
export function createBoundary(key?: string): Uint8Array {
  const mark = new Uint8Array(0);
  boundaries.set(mark, key);
  return mark;
}

export const entryBoundary: Uint8Array = createBoundary();

export function isBoundary(piece: Uint8Array): boolean {
  return piece.length === 0 && boundaries.has(piece);
}

export function keyOf(boundary: Uint8Array): string | undefined {
  return boundaries.get(boundary);
}

/** A whole member of the stream's codec, to be written as it is; it stands between two boundaries. */
export function createMember(bytes: Uint8Array): Uint8Array {
  const member = bytes.subarray();
  members.add(member);
  return member;
}

export function isMember(piece: Uint8Array): boolean {
  return members.has(piece);
}

/** Unpacked bytes between the places where an archive is cut: members of less cost size. */
export const runSize = 2 ** 20;

/**
 * Whether an entry begins a new run. It is decided by where entries stand and not by what came before, so that
 * all runs behind a change are what they were.
 */
export function isRunStart(position: number, before: number): boolean {
  return Math.floor(position / runSize) !== Math.floor(before / runSize);
}
