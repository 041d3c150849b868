import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { declareSerialTest } from '../fixtures/needs.js';
import { findNode, noNodeBinaries } from '../fixtures/node-versions.js';
import { sampleBy } from '../fixtures/soak.js';

/** A test file, and which of its tests: all without a pattern. */
type Chosen = readonly [file: string, title?: string];

/**
 * What Node itself does for the program, and may do otherwise in another version: its decompressor and our way into
 * it, WebAssembly, threads, streams, files, child processes, and the command line from end to end. What only computes
 * is the same everywhere; codecs other than gzip are programs that know no Node.
 */
const chosen: readonly Chosen[] = [
  ['compress/codecs', '*gzip*'],
  ['compress/codecs-runs', '*no program behind'],
  ['compress/deflate'],
  ['compress/codecs-missing.unit'],
  ['compress/in-place.unit'],
  ['compress/inflate-aside.unit'],
  ['compress/runs.unit'],
  ['folder/file-writers.unit'],
  ['io/cache.unit'],
  ['io/process.unit'],
  ['tar/tar.unit'],
  ['unpack/eager-folder'],
  ['unpack/open-image.unit'],
  ['repack/trailer.unit'],
  ['commands/errors.unit'],
  ['commands/repack'],
  ['commands/unpack'],
];

for (const major of sampleBy([22, 24], (version) => version === 24)) {
  declareSerialTest(noNodeBinaries, `the program and its tests run on Node ${major}`, async (t) => {
    const program = await findNode(major);
    const version = execFileSync(program, ['--version'], { encoding: 'utf8' });
    t.true(version.startsWith(`v${major}.`), version);
    const environment = {
      ...process.env,
      PATH: `${join(program, '..')}:${process.env.PATH}`,
      AVA_FORCE_CI: 'not-ci',
    };
    const whole = chosen.filter(([, title]) => title === undefined);
    const parts = chosen.filter(([, title]) => title !== undefined);
    for (const files of [whole, ...parts.map((part) => [part])]) {
      const titles = files.flatMap(([, title]) => (title === undefined ? [] : ['--match', title]));
      const paths = files.map(([file]) => `build/test/${file}.test.js`);
      // The runner says nothing of a file that is not there beside others that are.
      for (const path of paths) t.true(existsSync(path), path);
      const argv = [...paths, ...titles];
      const output = execFileSync(program, ['node_modules/ava/entrypoints/cli.mjs', ...argv], {
        env: environment,
        encoding: 'utf8',
      });
      t.regex(output, /\d+ tests? passed/);
      t.log(`${version.trim()}: ${/\d+ tests? passed/.exec(output)?.[0]}`);
    }
  });
}
