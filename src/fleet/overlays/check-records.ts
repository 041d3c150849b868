import { emptyFields, type RecordFields } from '../../format/cpio/cpio-writer.js';
import { digestBody } from '../../io/digest.js';
import { MobyPatchError } from '../../model/error/error.js';
import type { ArchiveRecord } from '../../model/image/layout.js';
import type { AppendedRecord } from '../../repack/append-plan.js';
import { openImage } from '../../unpack/open-image.js';

const fields = ['mode', ...Object.keys(emptyFields)] as (keyof RecordFields)[];

/** Reads an overlay's file back: its records are to be the planned ones. Error (`failed`): `output-differs`. */
export async function checkRecords(
  path: string,
  planned: readonly AppendedRecord[],
  { name, signal }: { readonly name: string; readonly signal: AbortSignal },
): Promise<void> {
  await using image = await openImage(path, { signal, name, digest: true });
  const { records, digests } = image;
  if (records.length !== planned.length)
    throw createDifference(name, `found ${records.length} records, wanted ${planned.length}`);
  for (const [index, wanted] of planned.entries()) {
    const record = records[index];
    const fault =
      record && (compareRecord(record, wanted) ?? (await compareBody(digests.get(record), wanted)));
    if (fault !== undefined) throw createDifference(name, `${wanted.name}: ${fault}`);
  }
}

function compareRecord({ name, header, target }: ArchiveRecord, wanted: AppendedRecord): string | undefined {
  if (name !== wanted.name || target !== wanted.target) return `found the record ${name}`;
  const planned: RecordFields = { ...emptyFields, ...wanted.header };
  const other = fields.find((field) => header[field] !== planned[field]);
  return other && `${other} is ${header[other]}, wanted ${planned[other]}`;
}

async function compareBody(
  found: string | undefined,
  { body, target }: AppendedRecord,
): Promise<string | undefined> {
  if (target !== undefined || body === undefined) return undefined;
  return found === (await digestBody(body)) ? undefined : 'has other contents';
}

function createDifference(path: string, found: string): MobyPatchError {
  const message = `the written overlay is not what it should be: ${found}`;
  return new MobyPatchError('failed', 'output-differs', message, {
    path,
    hint: 'nothing was replaced; this is a defect: please report it',
  });
}
