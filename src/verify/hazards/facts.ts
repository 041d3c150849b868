import type { Archive, ImageEntry } from '../../model/image/archive.js';
import type { Bytes } from '../../model/image/entry.js';
import { addToGroup } from '../../model/image/groups.js';
import type { ArchiveRecord } from '../../model/image/layout.js';
import { followEntry } from '../../tree/resolve.js';
import type { KernelConfig } from './kernel-config.js';

export interface HazardOptions {
  /** The configuration of the kernel that boots the image. */
  readonly kernelConfig?: KernelConfig | undefined;
  /** MiB of the machine that boots it. */
  readonly memory?: number | undefined;
  /** The image is the content of a disk, which another program than `/init` starts. */
  readonly isDisk?: boolean | undefined;
  /** Regular files that a build made or changed, with their first bytes. */
  readonly changed?: ReadonlyMap<string, Uint8Array> | undefined;
  /** Paths that steps wrote as they are, and no command. */
  readonly deliberate?: ReadonlySet<string> | undefined;
}

/** All that a rule looks at. Paths may lead over symlinks, which are followed inside the image. */
export interface Facts extends HazardOptions {
  readonly image: Pick<
    Archive,
    'name' | 'layout' | 'records' | 'entries' | 'dropped' | 'leaks' | 'bootconfig'
  >;
  /** The entry at the end of all symlinks. */
  follow(path: string): ImageEntry | undefined;
  /** The first `longestBody` bytes of a regular file; undefined before they were read. */
  body(path: string): Uint8Array | undefined;
  /** The first `longestText` of them as text, one character a byte; empty before it was read. */
  text(path: string): string;
  /** Paths directly inside a directory. */
  list(path: string): readonly string[];
}

/** Longer than any loader or shell. A longer body is cut, and its ELF tables may be out of reach. */
const longestBody = 32 * 2 ** 20;
/** Longer than any script or table of a system. */
const longestText = 256 * 1024;
const mostRounds = 16;

/**
 * Reads what the rules need. `wanted` names files by what is known so far; it is called again until it names no new
 * one. Each round is one pass over the image, which ends at the last wanted body.
 */
export async function gatherFacts(
  image: Archive,
  options: HazardOptions,
  wanted: (facts: Facts) => Iterable<string>,
): Promise<Facts> {
  const bodies = new Map<string, Uint8Array>();
  const facts = createFacts(image, options, bodies);
  for (let round = 0; round < mostRounds; round += 1) {
    const paths = new Set([...wanted(facts)].flatMap((path) => facts.follow(path)?.path ?? []));
    const missing = [...paths].flatMap((path) => {
      const entry = image.entries.get(path);
      return entry?.type === 'file' && !bodies.has(path) ? [entry] : [];
    });
    if (missing.length === 0) break;
    await readBodies(image, missing, bodies);
  }
  return facts;
}

function createFacts(image: Archive, options: HazardOptions, bodies: ReadonlyMap<string, Uint8Array>): Facts {
  const children = listChildren(image);
  const follow = (path: string) => followEntry(image.entries, path);
  const body = (path: string) => bodies.get(follow(path)?.path ?? '');
  return {
    ...options,
    image,
    follow,
    body,
    text: (path) => Buffer.from((body(path) ?? []).slice(0, longestText)).toString('latin1'),
    list: (path) => children.get(follow(path)?.path ?? path) ?? [],
  };
}

function listChildren(image: Archive): Map<string, string[]> {
  const children = new Map<string, string[]>();
  for (const path of image.entries.keys()) {
    if (path === '') continue;
    const parent = path.slice(0, Math.max(0, path.lastIndexOf('/')));
    const siblings = children.get(parent);
    if (siblings === undefined) children.set(parent, [path]);
    else siblings.push(path);
  }
  return children;
}

async function readBodies(
  image: Archive,
  entries: readonly ImageEntry[],
  bodies: Map<string, Uint8Array>,
): Promise<void> {
  const byRecord = new Map<ArchiveRecord, string[]>();
  for (const { data, path, size } of entries) {
    if (size === 0) bodies.set(path, new Uint8Array());
    else addToGroup(byRecord, data, path);
  }
  for await (const [record, body] of image.bodies(new Set(byRecord.keys()))) {
    const bytes = await readStart(body);
    for (const path of byRecord.get(record) ?? []) bodies.set(path, bytes);
  }
}

async function readStart(body: Bytes): Promise<Uint8Array> {
  const pieces: Uint8Array[] = [];
  let size = 0;
  for await (const piece of body) {
    pieces.push(piece.slice(0, longestBody - size));
    size += piece.length;
    if (size >= longestBody) break;
  }
  return Buffer.concat(pieces);
}
