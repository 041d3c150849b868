import { spawnSync } from 'node:child_process';
import { chmod, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { createProgramScript } from '#src/patch/system/init/script-text.js';
import { declareTest, findMissingProgram } from '../fixtures/needs.js';
import { waitForEnd } from '../fixtures/processes.js';
import { createFolder } from './support/patch-folder.js';

async function waitFor(isThere: () => Promise<boolean>): Promise<void> {
  while (!(await isThere())) await setTimeout(10);
}

declareTest(
  findMissingProgram('setsid'),
  'the script of a service starts its program once, and stop ends all that the program has started',
  async (t) => {
    const program = '#!/bin/sh\n/bin/sleep 987654 & echo "$! $1 $MODE" >>"$FOLDER/started"\nwait\n';
    // Time passes nowhere: stop waits for a process that nobody may collect.
    const folder = await createFolder(t, { program, sleep: '#!/bin/sh\n', started: '' });
    for (const name of ['program', 'sleep']) await chmod(join(folder, name), 0o755);
    const text = createProgramScript({
      name: 'agent',
      description: 'A test',
      command: [join(folder, 'program'), "it's $HOME"],
      type: 'daemon',
      restart: false,
      runlevel: 'default',
      environment: { MODE: 'a "b"' },
      needs: [],
      after: [],
      before: [],
    });
    const path = join(folder, 'agent');
    const placed = text.replace('/run/$name.pid', `${folder}/$name.pid`).replace('PATH=', `PATH=${folder}:`);
    await writeFile(path, placed, { mode: 0o755 });
    const run = (verb: string) =>
      spawnSync(path, [verb], { env: { PATH: process.env.PATH, FOLDER: folder }, encoding: 'utf8' });
    const started = async () => (await readFile(join(folder, 'started'), 'utf8')).trim();
    t.is(run('status').status, 3);
    t.is(run('start').stdout, 'Starting agent\n');
    await waitFor(async () => (await started()) !== '');
    t.is(run('status').status, 0);
    t.is(run('start').status, 0);
    const [line = '', ...more] = (await started()).split('\n');
    t.deepEqual(more, []);
    t.regex(line, /^\d+ it's \$HOME a "b"$/);
    t.is(run('stop').status, 0);
    const child = Number.parseInt(line, 10);
    await waitForEnd(child);
    t.is(run('status').status, 3);
    t.is(run('stop').status, 0);
    t.is(run('reload').status, 2);
  },
);
