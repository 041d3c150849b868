import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { openImage } from '#src/unpack/open-image.js';
import { createArchive, createTestFolder, gzip, pad, signal } from '../fixtures/archive.js';
import { guestTest, listInGuest } from './guest-listing.js';
import { compareListings, listImage } from './listing.js';
import { joinScenarios, scenarios } from './scenarios.js';

guestTest('try', async (t) => {
  t.timeout(1e6);
  const folder = await createTestFolder(t);
  const path = join(folder, 'image');
  const all: string[] = [];
  const groups = process.env.EACH ? scenarios.filter(({name}) => new RegExp(process.env.EACH ?? '').test(name)).map((s) => [s]) : [scenarios];
  for (const group of groups) {
  await writeFile(path, Buffer.concat(joinScenarios(group).map((m) => pad(gzip(createArchive(m))))));
  await using image = await openImage(path, { signal });
  const ours = await listImage(image);
  try {
  const { listing, console } = await listInGuest(path, folder);
  const lines = compareListings(listing, ours);
  all.push(...lines);
  all.push(...console.split('\n').filter((l) => /nitramfs|wrong|rror|listing|find:|stat:/.test(l)));
  console.length;
  t.log(group[0]?.name, lines.length, ours.size, listing.size);
  } catch (e) { t.log(group[0]?.name, String(e)); }
  }
  await writeFile('/tmp/w/differ/lines.txt', all.join('\n'));
  t.pass();
});
