import test from 'ava';
import { createOverlay } from '#src/engine/overlay.js';
import type { Change } from '#src/model/image/change.js';
import type { Entry } from '#src/model/image/entry.js';

async function* nothing() {}

const createEntry = (path: string, type: Entry['type']): Entry => ({
  path,
  type,
  mode: 0o755,
  uid: 0,
  gid: 0,
  mtime: 0,
  size: 0,
  body: nothing,
});

/** Counts how often somebody goes through all paths. */
class CountedTree extends Map<string, Entry> {
  passes = 0;

  override keys() {
    this.passes += 1;
    return super.keys();
  }
}

const count = 5000;

function createTree(): CountedTree {
  const tree = new CountedTree([['d', createEntry('d', 'directory')]]);
  for (let index = 0; index < count; index += 1) {
    tree.set(`d/${index}`, createEntry(`d/${index}`, 'directory'));
    tree.set(`d/${index}/f`, createEntry(`d/${index}/f`, 'file'));
  }
  return tree;
}

test('thousands of removals go through the tree once, and the outermost are told', (t) => {
  const base = createTree();
  const changes = Array.from({ length: count }, (_, index): Change[] => [
    { op: 'remove', path: `d/${index}` },
    { op: 'remove', path: `d/${index}/f` },
  ]);
  const overlay = createOverlay({ base, stamp: 0, changes: changes.flat() });
  t.is(overlay.changes().length, count);
  t.deepEqual(overlay.list('d'), []);
  t.is(overlay.get('d/7/f'), undefined);
  overlay.put({ path: 'd/7', type: 'file' });
  t.deepEqual(overlay.list('d'), ['7']);
  overlay.restore('d/8');
  t.deepEqual(overlay.list('d'), ['7', '8']);
  t.deepEqual(overlay.list('d/8'), ['f']);
  t.true(base.passes <= 1, `${base.passes} passes`);
});
