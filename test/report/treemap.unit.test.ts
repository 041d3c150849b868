import test from 'ava';
import { layOut } from '#src/report/html/treemap.js';
import { measureFolders } from '#src/tree/usage.js';
import { createArchive, directory, file, openBytes } from '../fixtures/archive.js';

test('parts of a map have areas as their sizes, and none lies over another', (t) => {
  const sizes = [500, 300, 100, 60, 30, 9, 1, 0];
  const placed = layOut(sizes.map((bytes, index) => ({ path: `p${index}`, bytes })));
  t.is(placed.length, 7);
  for (const { folder, x, y, w, h } of placed) {
    t.true(Math.abs(w * h - folder.bytes / 1000) < 1e-9);
    t.true(x >= -1e-9 && y >= -1e-9 && x + w <= 1 + 1e-9 && y + h <= 1 + 1e-9);
  }
  for (const [index, a] of placed.entries())
    for (const b of placed.slice(index + 1)) {
      const isApart = [a.x + a.w <= b.x, b.x + b.w <= a.x, a.y + a.h <= b.y, b.y + b.h <= a.y];
      const isNear = [a.x + a.w - b.x, b.x + b.w - a.x, a.y + a.h - b.y, b.y + b.h - a.y];
      t.true(isApart.some(Boolean) || isNear.some((each) => Math.abs(each) < 1e-9));
    }
  t.deepEqual(layOut([]), []);
});

test('a file with several names counts once, and folders have at most two parts', async (t) => {
  const image = await openBytes(
    t,
    createArchive([
      ...['usr', 'usr/lib', 'usr/lib/x', 'etc'].map((path) => directory(path)),
      file('init', '12345'),
      file('usr/lib/a', '123', { ino: 5, nlink: 2 }),
      file('usr/lib/x/b', '', { ino: 5, nlink: 2 }),
      file('usr/lib/x/c', '1234567'),
      file('etc/d', '12'),
    ]),
  );
  t.deepEqual(measureFolders(image.entries), [
    { path: 'usr/lib', bytes: 10 },
    { path: '', bytes: 5 },
    { path: 'etc', bytes: 2 },
  ]);
});
