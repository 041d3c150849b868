import { spawnSync } from 'node:child_process';
import { lstatSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { declareTest, findMissingProgram } from './fixtures/needs.js';

const paths = ['src', 'test', 'images']
  .flatMap((folder) =>
    readdirSync(folder, { recursive: true, encoding: 'utf8' }).map((name) => join(folder, name)),
  )
  .filter((path) => lstatSync(path).isFile())
  .sort();
const scripts = paths.filter((path) => path.endsWith('.sh'));
/** Scripts of images, which go by the names that the image wants. */
const programs = paths.filter(
  (path) =>
    path.startsWith('images/') && /^#!\S*\/(sh|openrc-run)\b/.test(readFileSync(path, 'latin1').slice(0, 64)),
);

/** POSIX unless a shell is named: the shells of images are dash and the ash of busybox. */
function check(files: readonly string[], ...options: readonly string[]): string {
  const { stdout, stderr } = spawnSync(
    'shellcheck',
    // SC1091: what a script sources lies in the guest.
    ['--shell=sh', '--format=gcc', '--exclude=SC1091', ...options, ...files],
    { encoding: 'utf8' },
  );
  return stdout + stderr;
}

declareTest(findMissingProgram('shellcheck'), 'shellcheck accepts every script', async (t) => {
  t.true(scripts.length > 0 && programs.length > 0);
  t.is(check(scripts), '');
  t.is(
    check(
      paths.filter((path) => path.endsWith('.bash')),
      '--shell=bash',
    ),
    '',
  );
  // SC2034 and SC2154: openrc-run reads variables of a service, and udhcpc sets those of its script.
  t.is(check(programs, '--severity=warning', '--exclude=SC2034,SC2154'), '');
});

test('a script of src lies beside the compiled module that reads it', (t) => {
  for (const path of scripts.filter((each) => each.startsWith('src/')))
    t.is(readFileSync(path.replace('src/', 'dist/'), 'utf8'), readFileSync(path, 'utf8'), path);
});
