import test from 'ava';
import type { ArchiveRecord } from '#src/model/image/layout.js';
import { createBuiltInFiles, createInode, type Inode } from '#src/tree/inode.js';
import { createKernelFiles } from '#src/tree/kernel-files.js';

/** Counts the characters of all paths that are looked up. */
class CountedNames extends Map<string, Inode> {
  characters = 0;

  override get(path: string): Inode | undefined {
    this.characters += path.length;
    return super.get(path);
  }

  override has(path: string): boolean {
    this.characters += path.length;
    return super.has(path);
  }
}

function createFiles() {
  const names = new CountedNames(createBuiltInFiles());
  const files = createKernelFiles(names);
  const record = names.get('')?.record as ArchiveRecord;
  const make = (path: string, type: Inode['type'] = 'directory', target = '') =>
    files.add(path, { ...createInode({ id: names.size, record, type, directory: undefined }), target });
  return { names, files, make };
}

test('directories inside each other cost no more than their names', (t) => {
  const { names, files, make } = createFiles();
  let path = 'd';
  let given = 0;
  for (let depth = 1; depth <= 2000; depth += 1) {
    t.is(files.locate(path)?.path, path);
    make(path);
    t.is(files.find(`./${path}/`, true), path);
    given += path.length;
    path += '/d';
  }
  t.true(names.characters < 20 * given, `${names.characters} characters for ${given}`);
});

test('names that lead in and out of deep directories cost a step for each of their parts', (t) => {
  const { files, make } = createFiles();
  let path = 'd';
  for (let depth = 1; depth <= 1000; depth += 1) {
    make(path);
    path += '/d';
  }
  const deep = 'd/'.repeat(999);
  make('s', 'symlink', `/${deep}d`);
  for (const [name, found, parts] of [
    [`d/./${deep}../x`, undefined, 1002],
    [`${deep}d/../d/../d`, `${deep}d`, 1004],
    [`s/../${deep}`, undefined, 1002],
    ['s/../d', `${deep}d`, 3],
  ] as const)
    for (let round = 0; round < 20; round += 1) {
      const before = files.steps();
      t.is(files.find(name), found);
      t.true(files.steps() - before <= parts + 2, `${files.steps() - before} steps for ${name.slice(0, 20)}`);
    }
});

test('paths that symlinks make longer and longer are refused', (t) => {
  const { files, make } = createFiles();
  const part = 'x'.repeat(200);
  let path = '';
  const error = t.throws(() => {
    for (;;) {
      path += `${path === '' ? '' : '/'}${part}`;
      make(path);
      files.find(path);
    }
  });
  t.like(error, { name: 'MobyPatchError', kind: 'invalid', code: 'image-too-large' });
});
