import { execFile } from 'node:child_process';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { ExecutionContext } from 'ava';
import { parseMarker } from '#src/verify/boot/probe/marker.js';
import { createWrapper } from '#src/verify/boot/probe/probe.js';
import { declareTest, findMissingProgram, notRoot } from '../../fixtures/needs.js';
import { createFolder } from '../../patch/support/patch-folder.js';

const nonce = 'cd'.repeat(16);

/** What the watcher tells in seven looks beside a first program of this name; it does not sleep between them. */
async function watchProgram(t: ExecutionContext, name: string, handsOver: boolean): Promise<Set<string>> {
  const folder = await createFolder(t, {});
  const [variables = ''] = createWrapper(nonce, [], '/init', { handsOver }).split('\n# A first program');
  const watch = `exec 9>told\n(PATH=$PWD/bin:$PATH; eval "$probe_watcher") >/dev/null 2>&1 &\nexec ./${name} 1000\n`;
  await writeFile(join(folder, 'script'), `${variables}\n${watch}`);
  // The watcher starts beside a shell that is about to become the program.
  const sleep =
    '#!/bin/sh\nuntil read -r name </proc/1/comm && [ "$name" != sh ]; do :; done\necho look >>looks\n[ $(wc -l <looks) -lt 8 ] || echo >done\n';
  await mkdir(join(folder, 'bin'));
  await writeFile(join(folder, 'bin/sleep'), sleep, { mode: 0o755 });
  const command = `cp "$(command -v sleep)" ${name} && mkfifo done
unshare --pid --fork --kill-child --mount-proc sh script &
read -r _ <done
# unshare(1) blocks SIGTERM while its child runs.
kill -KILL $!`;
  await promisify(execFile)('sh', ['-c', command], { cwd: folder, timeout: 60_000 });
  const lines = (await readFile(join(folder, 'told'), 'utf8')).split('\n');
  return new Set(lines.flatMap((line) => parseMarker(line, nonce)?.kind ?? []));
}

declareTest(
  notRoot ?? findMissingProgram('unshare', 'mkfifo'),
  'a first program is up after some looks, but not a systemd that has told nothing yet, nor one that is still to go over',
  async (t) => {
    const [own, systemd, early] = await Promise.all([
      watchProgram(t, 'own', false),
      watchProgram(t, 'systemd', false),
      watchProgram(t, 'own', true),
    ]);
    t.true(own.has('reached'));
    t.deepEqual([...systemd], []);
    t.deepEqual([...early].sort(), ['alive', 'disks']);
  },
);
