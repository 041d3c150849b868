import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { declareSerialTest } from '../fixtures/needs.js';
import { findNode, noNodeBinaries } from '../fixtures/node-versions.js';

/** What depends on Node itself: zlib, threads, streams, child processes, files, terminals; with the program's exit codes. */
const files = [
  'commands/errors',
  'commands/unpack',
  'compress/codecs-missing',
  'compress/deflate',
  'compress/direct-inflate',
  'compress/runs',
  'folder/file-writers',
  'io/cache',
  'io/process',
  'repack/from-tar',
  'tar/tar',
  'unpack/open-image',
];
/** Of the tests of codecs those of gzip: the other programs know no Node. */
const chosen = {
  files: ['compress/codecs', 'compress/codecs-runs'],
  titles: ['*gzip*', '*no program behind'],
};
const runs: readonly (readonly string[])[] = [
  files.map(locate),
  [...chosen.files.map(locate), ...chosen.titles.flatMap((title) => ['--match', title])],
];

for (const major of [22, 24]) {
  declareSerialTest(noNodeBinaries, `the program and its tests run on Node ${major}`, async (t) => {
    const program = await findNode(major);
    const version = execFileSync(program, ['--version'], { encoding: 'utf8' });
    t.true(version.startsWith(`v${major}.`), version);
    const environment = {
      ...process.env,
      PATH: `${join(program, '..')}:${process.env.PATH}`,
      AVA_FORCE_CI: 'not-ci',
    };
    for (const argv of runs) {
      const all = ['node_modules/ava/entrypoints/cli.mjs', ...argv];
      const output = execFileSync(program, all, { env: environment, encoding: 'utf8' });
      t.regex(output, /\d+ tests passed/);
      t.log(`${version.trim()}: ${/\d+ tests passed/.exec(output)?.[0]}`);
    }
  });
}

/** A file of either lane. */
function locate(name: string): string {
  const file = [`build/test/${name}.unit.test.js`, `build/test/${name}.test.js`].find(existsSync);
  if (file === undefined) throw new Error(`there is no test file ${name}`);
  return file;
}
