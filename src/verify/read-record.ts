import { collectBytes } from '../io/collect.js';
import type { Archive } from '../model/image/archive.js';
import type { ImageRecord, KnownPatched } from '../model/result/record.js';

export const recordPath = 'etc/moby-patch/record.json';

/** Bytes. */
const longest = 2 ** 20;

/** What an image says of its own patches; undefined where it says nothing that can be read. */
export async function readRecord(image: Archive): Promise<ImageRecord | undefined> {
  const entry = image.entries.get(recordPath);
  if (entry?.type !== 'file' || entry.size > longest) return undefined;
  const bytes = await collectBytes(entry.body(), longest, recordPath);
  try {
    const value = JSON.parse(Buffer.from(bytes).toString('utf8')) as Partial<ImageRecord> | null;
    return value?.version === 1 && typeof value.input === 'string' && hasPatches(value)
      ? (value as ImageRecord)
      : undefined;
  } catch {
    return undefined;
  }
}

function hasPatches({ patches }: Partial<ImageRecord>): boolean {
  return Array.isArray(patches) && patches.every((each) => typeof each?.id === 'string');
}

/** The patches of a record and of those before it. */
export function describeRecord(record: ImageRecord): KnownPatched {
  const earlier = record.earlier && hasPatches(record.earlier) ? describeRecord(record.earlier) : undefined;
  return {
    by: 'record',
    patches: [...(earlier?.patches ?? []), ...record.patches.map(({ id }) => id)],
    input: earlier?.input ?? record.input,
  };
}
