import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import type { Report } from '#src/model/result/report.js';
import { bootTest, createInit, withBench } from '../boot/tiny-guest.js';
import { writeTinyImage } from '../boot/tiny-image.js';
import { runMoby } from '../fixtures/images/moby.js';
import { noNamespaces } from '../fixtures/local-executor.js';

const patches = {
  good: 'title: A\nsteps:\n  - run: "echo a > /etc/a"\n  - file: {path: etc/b, content: b}\n',
  failing:
    'title: C\nsteps:\n  - run: "echo d > /etc/d"\n  - file: {path: etc/e, content: e}\n  - run: "echo f > /etc/f; exit 3"\n',
  slow: 'title: D\nsteps:\n  - run: "echo g > /etc/g; echo in the command; sleep 1000"\n',
  bad: 'title: B\nsteps:\n  - run: "echo c > /etc/c"\nexpects:\n  - file: /never\n',
} as const;

bootTest(
  'what steps did is kept when the boot is refused: a corrected expectation is booted without them',
  (t) =>
    withBench(t, async ({ folder, kernel }) => {
      const env = { path: 'bin/env', type: 'symlink', body: 'busybox' } as const;
      await writeTinyImage(join(folder, 'in.img'), createInit('echo up'), [env]);
      const write = async (name: string, text: string) => {
        await mkdir(join(folder, 'patches', name), { recursive: true });
        await writeFile(join(folder, 'patches', name, 'patch.yaml'), text);
      };
      for (const [name, text] of Object.entries(patches)) await write(name, text);
      const environment = { MOBY_PATCH_CACHE: join(folder, 'cache') };
      const moby = async (command: string, patch: string, ...more: string[]) => {
        const args = [command, '-i', 'in.img', '-p', patch, '-o', 'out.img', '--engine', 'local', ...more];
        return runMoby(args, { folder, environment });
      };
      const boot = (seconds: number) => [
        '--kernel',
        kernel.kernel,
        '--accelerator',
        'tcg',
        '--timeout',
        String(seconds),
      ];
      const planned = async (patch: string, ...more: string[]) =>
        readReport(t, await moby('plan', patch, '--no-verify', '--json', ...more)).plan?.steps.map(
          ({ cached, proven }) => (cached ? (proven ? 'proven' : 'unproven') : 'new'),
        );

      // Refused at once, by a panic.
      const refused = await moby('build', 'bad', ...boot(900), '--cmdline', 'rdinit=/never');
      t.is(refused.code, 4, refused.stderr);
      t.regex(refused.stderr, /the next build begins where these steps ended/);
      t.deepEqual(await planned('bad'), ['unproven']);
      t.regex((await moby('plan', 'bad', '--no-verify')).stdout, /run echo c.*, which has not passed a boot/);
      await write('bad', patches.bad.replace('/never', '/etc/c'));
      const passed = await moby('build', 'bad', ...boot(900));
      t.is(passed.code, 0, passed.stderr);
      t.regex(passed.stderr, /1 of 1 steps.*nothing is started/);
      t.notRegex(passed.stderr, /unpacked \d+ entries/);
      t.deepEqual(await planned('bad'), ['proven']);

      await moby('build', 'good', '--no-verify');
      t.deepEqual(await planned('good'), ['unproven', 'new'], 'files are put in no time');
      t.deepEqual(await planned('good', '--no-cache'), ['new', 'new']);
      const before = await readFile(join(folder, 'out.img'));
      const again = await moby('build', 'good', '--no-verify', '--json');
      t.regex(again.stderr, /1 of 2 steps.*nothing is started/);
      t.deepEqual(
        readReport(t, again).steps.map(({ cached }) => cached),
        [true, false],
      );
      t.deepEqual(await readFile(join(folder, 'out.img')), before);

      // What came before a step that failed has succeeded.
      const failed = await moby('build', 'failing', '--no-verify');
      t.is(failed.code, 1, failed.stderr);
      t.deepEqual(await planned('failing'), ['unproven', 'new', 'new']);

      const argv = [
        'build',
        '-i',
        'in.img',
        '-p',
        'slow',
        '-o',
        'out.img',
        '--engine',
        'local',
        '--no-verify',
      ];
      const interrupted = await runMoby(argv, {
        folder,
        environment,
        onLine: (line, child) => line.includes('in the command') && child.kill('SIGINT'),
      });
      t.is(interrupted.code, 130, interrupted.stderr);
      t.deepEqual(await planned('slow'), ['new'], 'a step that was interrupted');
    }),
  noNamespaces,
);

function readReport(t: ExecutionContext, { stdout, stderr }: { stdout: string; stderr: string }): Report {
  t.not(stdout, '', stderr);
  return JSON.parse(stdout);
}
