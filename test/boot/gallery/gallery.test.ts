import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import test from 'ava';
import { MobyPatchError } from '#src/model/error/error.js';
import { isSoak, sampleBy } from '../../fixtures/soak.js';
import { findModules } from '../modules.js';
import { type BootBench, bootTest, withBench } from '../tiny-guest.js';
import { createTinyArchive } from '../tiny-image.js';
import { brokenCases } from './broken-cases.js';
import type { GalleryCase } from './gallery-case.js';
import { goodCases } from './good-cases.js';
import { type Told, writeVerdicts } from './verdict-page.js';

const all = new Map<string, Told>();

async function createGalleryImage(item: GalleryCase, { kernel }: BootBench): Promise<Uint8Array> {
  const { entries = [], modules = [], pack } = item;
  const found = modules.length === 0 ? { entries: [], load: '' } : await findModules(kernel, modules);
  if (typeof found === 'string') throw new Error(found);
  const init = item.init?.replace('MODULES', found.load);
  const archive = await createTinyArchive(init, [...entries, ...found.entries]);
  return pack === undefined ? gzipSync(archive, { level: 1 }) : pack(archive);
}

async function tell(bench: BootBench, item: GalleryCase): Promise<Told> {
  const image = join(bench.folder, 'image');
  await writeFile(image, await createGalleryImage(item, bench));
  const { kind = 'other', request } = item;
  try {
    const { verdict, endedAt, reason = '' } = await bench.boot(image, request, { init: kind });
    return { verdict, endedAt, reason };
  } catch (error) {
    if (!(error instanceof MobyPatchError)) throw error;
    return { verdict: error.code, reason: error.message };
  }
}

for (const item of sampleBy([...brokenCases, ...goodCases], ({ isMain = false }) => isMain)) {
  bootTest(`the verdict on ${item.name}`, (t) =>
    withBench(t, async (bench) => {
      const told = await tell(bench, item);
      all.set(item.name, told);
      t.log(`${told.verdict}${told.endedAt === undefined ? '' : ` at ${told.endedAt}`}: ${told.reason}`);
      t.is(told.verdict, item.verdict);
      if (item.endedAt !== undefined) t.is(told.endedAt, item.endedAt);
      if (item.reason !== undefined) t.regex(told.reason, item.reason);
    }),
  );
}

test.after('the page of verdicts', async () => {
  if (isSoak && process.env.UPDATE !== undefined) await writeVerdicts(all);
});
