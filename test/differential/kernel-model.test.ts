import { createHash } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { encodePadding, encodeRecord, encodeTrailer } from '#src/format/cpio/cpio-writer.js';
import { encodePath } from '#src/format/path.js';
import type { ArchiveRecord } from '#src/model/image/layout.js';
import { createTestFolder } from '../fixtures/archive.js';
import { chooseRuns } from '../fixtures/soak.js';
import { type ModelNode, runKernel } from '../tree/kernel-model.js';
import { createRecords, sequences, type Wanted } from '../tree/kernel-records.js';
import { guestTest, listInGuest } from './guest-listing.js';
import { compareListings, joinNames, type Listing, type Seen } from './listing.js';

const seed = Number(process.env.KERNEL_MODEL_SEED ?? 1);
const scenarios = Number(process.env.KERNEL_MODEL_SCENARIOS ?? chooseRuns(300, 3000));

/** Each sequence in a folder of its own, with inodes of its own. */
function createScenarios(): (ArchiveRecord | undefined)[] {
  const wanted = fc.sample(sequences, { seed, numRuns: scenarios }).flatMap((sequence, index) => {
    const folder = `s${String(index).padStart(4, '0')}`;
    // A file's record that links to what is a fifo or device by then makes a kernel write into that.
    const hasNodes = sequence.some((one) => [0o01, 0o02, 0o06].includes(((one?.mode ?? 0) >> 12) & 0o17));
    const inside = sequence.flatMap((one): (Wanted | undefined)[] => {
      if (one === undefined) return [undefined];
      // `..` leads out of the folder: not to what the guest itself needs.
      if (/dev|root|console/.test(`${one.name} ${one.target}`) || one.name.length > 4000) return [];
      const ino = index * 10 + (one.ino ?? 0);
      const nlink = hasNodes ? 1 : (one.nlink ?? 1);
      return [{ ...one, name: `${folder}/${one.name}`, ino, nlink }];
    });
    return [{ name: folder, mode: 0o040755, mtime: 77 }, ...inside];
  });
  return createRecords(wanted);
}

/** What stands behind the header of a record; of a file it is the body. */
function createBody({ header: { filesize }, target, index }: ArchiveRecord): Uint8Array {
  if (filesize > 4095) return Buffer.alloc(filesize, 'x');
  return target === undefined
    ? Buffer.from(String(index).padStart(5, '0').slice(0, filesize))
    : encodePath(target);
}

function encodeScenario(record: ArchiveRecord | undefined): Uint8Array {
  if (record === undefined) return encodeTrailer();
  const { header, name } = record;
  const body = createBody(record);
  const raw = name.length === 0 ? Buffer.alloc(0) : encodePath(name).subarray(0, 4095);
  return Buffer.concat([encodeRecord({ ...header }, raw), body, encodePadding(body.length)]);
}

guestTest('the model of the kernel does what a kernel does', async (t) => {
  const records = createScenarios();
  const folder = await createTestFolder(t);
  const image = join(folder, 'image');
  await writeFile(image, Buffer.concat(records.map(encodeScenario)));
  const { listing } = await listInGuest(image, folder, 512);
  const model = chooseScenarios(listModel(runKernel(records)));
  const differences = compareListings(withForeseenTimes(chooseScenarios(listing), model), model);
  t.log(`seed ${seed}: ${records.length} records, ${model.size} paths, ${differences.length} differences`);
  for (const line of differences.slice(0, 40)) t.log(line);
  t.true(model.size > scenarios);
  t.deepEqual(differences, []);
});

const toLatin = (text: string) => Buffer.from(encodePath(text)).toString('latin1');
const chooseScenarios = (listing: Listing): Listing =>
  new Map([...listing].filter(([path]) => /^s\d/.test(path)));

function listModel(nodes: ReadonlyMap<string, ModelNode>): Listing {
  const ids = new Map<ModelNode, string>();
  return joinNames(
    [...nodes].map(([path, node]) => {
      const { type, mode, uid, gid, mtime, device, target, data } = node;
      const body = data === undefined ? Buffer.alloc(0) : createBody(data);
      const content = { size: body.length, sha256: createHash('sha256').update(body).digest('hex') };
      const seen: Seen = {
        type,
        mode: mode.toString(8),
        uid,
        gid,
        mtime,
        ...(type === 'file' ? content : {}),
        target: type === 'symlink' ? toLatin(target) : undefined,
        device: type === 'character' || type === 'block' ? device : undefined,
      };
      if (!ids.has(node)) ids.set(node, String(ids.size));
      return [toLatin(path), seen, type === 'directory' ? undefined : ids.get(node)];
    }),
  );
}

/** The kernel's own time on a directory whose name leads elsewhere in the end is not foreseen. */
function withForeseenTimes(listing: Listing, model: Listing): Listing {
  return new Map(
    [...listing].map(([path, seen]) => [
      path,
      seen.mtime > 1000 ? { ...seen, mtime: model.get(path)?.mtime ?? seen.mtime } : seen,
    ]),
  );
}
