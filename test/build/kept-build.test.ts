import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import type { Report } from '#src/model/report.js';
import { bootTest, createInit, withBench } from '../boot/tiny-guest.js';
import { writeTinyImage } from '../boot/tiny-image.js';
import { noNamespaces } from '../fixtures/local-executor.js';
import { runMoby } from '../fixtures/moby.js';

const patches = {
  good: 'title: A\nsteps:\n  - run: "echo a > /etc/a"\n  - file: {path: etc/b, content: b}\n',
  bad: 'title: B\nsteps:\n  - run: "echo c > /etc/c"\nexpects:\n  - file: /never\n',
} as const;

bootTest(
  'steps are kept when the image was booted, plan says so, and --no-cache looks at nothing',
  (t) =>
    withBench(t, async ({ folder, kernel }) => {
      const env = { path: 'bin/env', type: 'symlink', body: 'busybox' } as const;
      await writeTinyImage(join(folder, 'in.img'), createInit('echo up'), [env]);
      for (const [name, text] of Object.entries(patches)) {
        await mkdir(join(folder, 'patches', name), { recursive: true });
        await writeFile(join(folder, 'patches', name, 'patch.yaml'), text);
      }
      const environment = { MOBY_PATCH_CACHE: join(folder, 'cache') };
      const moby = async (command: string, patch: string, ...more: string[]) => {
        const args = [command, '-i', 'in.img', '-p', patch, '-o', 'out.img', '--engine', 'local', ...more];
        return runMoby(args, { folder, environment });
      };
      const boot = ['--kernel', kernel.kernel, '--accelerator', 'tcg', '--timeout', '900'];
      const planned = async (patch: string, ...more: string[]) =>
        readReport(t, await moby('plan', patch, '--json', ...more)).plan?.steps.map(({ cached }) => cached);

      await moby('build', 'good', '--no-verify');
      t.deepEqual(await planned('good', '--no-verify'), [false, false], 'not booted');
      const refused = await moby('build', 'bad', ...boot, '--timeout', '5');
      t.is(refused.code, 4, refused.stderr);
      t.deepEqual(await planned('bad', '--no-verify'), [false], 'refused');
      const passed = await moby('build', 'good', ...boot);
      t.is(passed.code, 0, passed.stderr);
      t.deepEqual(await planned('good', '--no-verify'), [true, false], 'files are put in no time');
      t.deepEqual(await planned('good', '--no-verify', '--no-cache'), [false, false]);
      t.regex((await moby('plan', 'good', '--no-verify')).stdout, /run echo a.*cached by an earlier build/);
      const before = await readFile(join(folder, 'out.img'));
      const again = await moby('build', 'good', '--no-verify', '--json');
      t.regex(again.stderr, /1 of 2 steps.*nothing is started/);
      t.deepEqual(
        readReport(t, again).steps.map(({ cached }) => cached),
        [true, false],
      );
      t.deepEqual(await readFile(join(folder, 'out.img')), before);
      t.regex((await moby('build', 'good', '--no-verify')).stdout, /run echo a.*cached by an earlier build/);
    }),
  noNamespaces,
);

function readReport(t: ExecutionContext, { stdout, stderr }: { stdout: string; stderr: string }): Report {
  t.not(stdout, '', stderr);
  return JSON.parse(stdout);
}
