import { parseJson } from '../format/parse-json.js';
import { collectBytes } from '../io/collect.js';
import type { Archive } from '../model/image/archive.js';
import type { Hazard } from '../model/result/hazard.js';
import type { ImageRecord, KnownPatched } from '../model/result/record.js';

export const recordPath = 'etc/moby-patch/record.json';

/** Bytes. */
const longest = 2 ** 20;

/** What an image says of its own patches; undefined where it says nothing that can be read. */
export async function readRecord(image: Archive): Promise<ImageRecord | undefined> {
  const entry = image.entries.get(recordPath);
  if (entry?.type !== 'file' || entry.size > longest) return undefined;
  const bytes = await collectBytes(entry.body(), longest, recordPath);
  return parseRecord(parseJson(Buffer.from(bytes).toString('utf8')));
}

/** What is said of an image whose record is damaged, or of a later version of this program. `record`: from `readRecord`. */
export function findUnreadRecord(image: Archive, record: ImageRecord | undefined): Hazard | undefined {
  if (record !== undefined || !image.entries.has(recordPath)) return undefined;
  return {
    code: 'record-unread',
    severity: 'warning',
    path: recordPath,
    message:
      'this is no record that this version reads, so nothing tells which patches the image has already',
    hint: `moby-patch cat IMAGE ${recordPath}; patch the stock image, or use the version that wrote it`,
  };
}

/** Records of earlier builds that are read: no image has more by itself. */
const mostRecords = 1000;

/** Anybody can write a record into an image: anything without the form of one ends the chain. */
function parseRecord(value: unknown): ImageRecord | undefined {
  const chain: Omit<ImageRecord, 'earlier'>[] = [];
  for (let one = value; isRecord(one) && chain.length < mostRecords; one = one.earlier) {
    const { version, input, plan, patches, packages } = one;
    chain.push({ version, input, plan, patches, packages });
  }
  return chain.reduceRight<ImageRecord | undefined>(
    (earlier, each) => ({ ...each, ...(earlier !== undefined && { earlier }) }),
    undefined,
  );
}

function isRecord(value: unknown): value is ImageRecord {
  const { version, input, plan, patches, packages } = (value ?? {}) as Partial<ImageRecord>;
  const areTexts = [input, plan].every((each) => typeof each === 'string');
  return version === 1 && areTexts && isTextMap(packages) && Array.isArray(patches) && patches.every(isPatch);
}

function isPatch(value: unknown): boolean {
  const { id, sha256, parameters } = (value ?? {}) as Partial<ImageRecord['patches'][number]>;
  return typeof id === 'string' && typeof sha256 === 'string' && isTextMap(parameters);
}

function isTextMap(value: unknown): boolean {
  return (
    typeof value === 'object' &&
    value !== null &&
    Object.values(value).every((each) => typeof each === 'string')
  );
}

/** The patches of a record and of those before it, the oldest first. */
export function describeRecord(record: ImageRecord): KnownPatched {
  const patches: string[] = [];
  let { input } = record;
  for (let one: ImageRecord | undefined = record; one !== undefined; one = one.earlier) {
    patches.unshift(...one.patches.map(({ id }) => id));
    input = one.input;
  }
  return { by: 'record', patches, input };
}
