import test from 'ava';
import type { ArchiveRecord } from '#src/model/image/layout.js';
import { createPlacements } from '#src/tree/placements.js';

const record = (index: number, name: string) => ({ index, name }) as ArchiveRecord;

test('a record has the path that was set last, whether that is its name or not', (t) => {
  const placed = createPlacements();
  const [plain, dotted, odd] = [record(0, 'etc/a'), record(5000, './etc/b'), record(1_000_000, '/etc//c')];
  t.is(placed.get(plain), undefined);
  placed.set(plain, { path: 'etc/a', inode: 0 });
  placed.set(dotted, { path: 'etc/b', inode: 7 });
  placed.set(odd, { path: 'etc/c', inode: 2 ** 31 });
  t.deepEqual(placed.get(plain), { path: 'etc/a', inode: 0 });
  t.deepEqual(placed.get(dotted), { path: 'etc/b', inode: 7 });
  t.deepEqual(placed.get(odd), { path: 'etc/c', inode: 2 ** 31 });
  t.is(placed.get(record(4999, 'etc/d')), undefined);
  placed.set(plain, { path: 'usr/a', inode: 3 });
  t.deepEqual(placed.get(plain), { path: 'usr/a', inode: 3 });
  placed.set(plain, { path: 'etc/a', inode: 4 });
  t.deepEqual(placed.get(plain), { path: 'etc/a', inode: 4 });
});
