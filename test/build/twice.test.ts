import { access, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import type { Report } from '#src/model/result/report.js';
import { writeTinyImage } from '../boot/tiny-image.js';
import { createTestFolder } from '../fixtures/archive.js';
import { callMoby } from '../fixtures/command-context.js';
import { noNamespaces } from '../fixtures/local-executor.js';
import { declareTest } from '../fixtures/needs.js';

async function build(t: ExecutionContext, steps: string) {
  const folder = await createTestFolder(t);
  const links = ['env', 'rm', 'date'].map((name) => ({
    path: `bin/${name}`,
    type: 'symlink' as const,
    body: 'busybox',
  }));
  await writeTinyImage(join(folder, 'in.img'), undefined, links);
  await mkdir(join(folder, 'patches/p'), { recursive: true });
  await writeFile(join(folder, 'patches/p/patch.yaml'), `title: T\nsteps:\n${steps}`);
  const usual = ['-i', 'in.img', '-p', 'p', '-o', 'out.img', '--engine', 'local', '--no-verify'];
  const argv = ['build', ...usual, '--twice', '--report', 'r.json'];
  const ran = await callMoby(argv, folder, { HOME: folder });
  const report: Report = JSON.parse(await readFile(join(folder, 'r.json'), 'utf8'));
  return { ...ran, folder, report };
}

const generate =
  '  - run: "mkdir -p /etc/ssh; head -c 99 /dev/urandom > /etc/ssh/ssh_host_rsa_key; echo a > /a"\n';

declareTest(
  noNamespaces,
  'steps that make something else each time are refused, with file, byte and step',
  async (t) => {
    const { code, stderr, report, folder } = await build(
      t,
      `  - run: "echo first > /etc/first"\n${generate}  - run: "cat /proc/sys/kernel/random/uuid > /etc/uuid"\n`,
    );
    t.is(code, 1, stderr);
    t.regex(stderr, /etc\/ssh\/ssh_host_rsa_key: contents from byte \d+ on, written by p: run mkdir -p /);
    t.regex(stderr, /etc\/uuid: contents from byte \d+ on, written by p: run cat .*\[not-reproducible\]/);
    t.regex(stderr, /try: .*- ssh-host-keys: first-boot/);
    t.deepEqual(
      report.twice?.map(({ path }) => path),
      ['etc/ssh/ssh_host_rsa_key', 'etc/uuid'],
    );
    await t.throwsAsync(access(join(folder, 'out.img')), undefined, 'nothing is published');
  },
);

declareTest(noNamespaces, 'steps that take out what they generated make the same each time', async (t) => {
  const { code, stdout, stderr, report } = await build(
    t,
    `${generate}  - run: "rm -f /etc/ssh/ssh_host_*"\n`,
  );
  t.is(code, 0, stderr);
  t.deepEqual(report.twice, []);
  t.regex(stdout, /twice +a second run of the steps made the same/);
  t.notRegex(stdout, /private key/);
});
