/**
 * Marks in a stream of archive bytes, known by their identity. A boundary stands where an entry begins and a
 * compressed member may end: a kernel takes a gzip member that ends there and goes on with the next one; one
 * that is cut inside an entry it refuses ("junk at the end of compressed archive").
 */
const boundaries = new WeakMap<Uint8Array, Boundary>();
const members = new WeakSet<Uint8Array>();
const spares = new WeakMap<Uint8Array, Spare>();

export interface Boundary {
  /** Where the entry stood before anything was changed; a boundary without it is wanted in any case. */
  readonly position?: number | undefined;
  /** What the run behind it is to be kept under, when it becomes a member of its own. */
  readonly key?: string | undefined;
}

/** No bytes. */
export function createBoundary(boundary: Boundary = {}): Uint8Array {
  const mark = new Uint8Array(0);
  boundaries.set(mark, boundary);
  return mark;
}

export const entryBoundary: Uint8Array = createBoundary();

export function isBoundary(piece: Uint8Array): boolean {
  return piece.length === 0 && boundaries.has(piece);
}

export function readBoundary(mark: Uint8Array): Boundary {
  return boundaries.get(mark) ?? {};
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

/** A run that is not part of the stream, to be compressed and kept for a later build. */
export interface Spare {
  readonly bytes: Uint8Array;
  readonly key: string;
}

/** No bytes; it may stand anywhere. */
export function createSpare(spare: Spare): Uint8Array {
  const mark = new Uint8Array(0);
  spares.set(mark, spare);
  return mark;
}

export function readSpare(piece: Uint8Array): Spare | undefined {
  return piece.length === 0 ? spares.get(piece) : undefined;
}

/** Unpacked bytes between the places where an archive can be cut; some codecs take a multiple. */
export const runSize = 2 ** 20;

/**
 * Whether an entry begins a new run. It is decided by where entries stand and not by what came before, so that
 * all runs behind a change are what they were.
 */
export function isRunStart(position: number, before: number, size: number = runSize): boolean {
  return Math.floor(position / size) !== Math.floor(before / size);
}
