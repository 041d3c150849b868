import { parseJson } from '../format/parse-json.js';
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
  const value = parseJson(Buffer.from(bytes).toString('utf8')) as Partial<ImageRecord> | null | undefined;
  const isRecord = value?.version === 1 && typeof value.input === 'string' && hasPatches(value);
  return isRecord ? (value as ImageRecord) : undefined;
}

function hasPatches({ patches }: Partial<ImageRecord>): boolean {
  return Array.isArray(patches) && patches.every((each) => typeof each?.id === 'string');
}

/** Records of images that were patched before: more are no image's own. */
const mostRecords = 1000;

/** The patches of a record and of those before it, the oldest first. */
export function describeRecord(record: ImageRecord): KnownPatched {
  const patches: string[] = [];
  let { input } = record;
  let one: ImageRecord | undefined = record;
  for (let count = 0; one !== undefined && hasPatches(one) && count < mostRecords; count++) {
    patches.unshift(...one.patches.map(({ id }) => id));
    input = one.input;
    one = one.earlier;
  }
  return { by: 'record', patches, input };
}
