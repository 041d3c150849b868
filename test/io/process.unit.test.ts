import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { runFilter } from '#src/compress/run-filter.js';
import { noBytes } from '#src/io/no-bytes.js';
import { createLineKeeper, createLineSplitter, runProcess } from '#src/io/process/process.js';
import { createTestFolder, signal } from '../fixtures/archive.js';
import { testNeeding } from '../fixtures/needs.js';
import { waitForEnd } from '../fixtures/processes.js';

test('what two streams say comes line by line, whatever comes between; what has no end comes last', (t) => {
  let text = '';
  const keep = (chunk: Uint8Array) => {
    text += Buffer.from(chunk).toString();
  };
  const [one, two] = [createLineKeeper(keep), createLineKeeper(keep)];
  one.push(Buffer.from('hel'));
  two.push(Buffer.from('err\n'));
  one.push(Buffer.from('lo\nmore\nand'));
  two.push(Buffer.from('go on? '));
  t.is(text, 'err\nhello\nmore\n');
  one.push(Buffer.from(' more\n'));
  one.end();
  two.end();
  t.is(text, 'err\nhello\nmore\nand more\ngo on? ');
});

test('a line that does not end is not held for ever', (t) => {
  let size = 0;
  const keeper = createLineKeeper((chunk) => {
    size += chunk.length;
  });
  for (let round = 0; round < 100; round += 1) keeper.push(Buffer.alloc(1000, 'x'));
  t.true(size > 80_000);
  keeper.end();
  t.is(size, 100_000);
});

test('a program that says a line in parts on one stream and another line on the other is heard line by line', async (t) => {
  const heard: string[] = [];
  const mark = join(await createTestFolder(t), 'mark');
  // It ends its line only when the line of the other stream was heard.
  const script = 'printf hel; echo err >&2; until [ -e "$0" ]; do :; done; echo lo; printf end';
  const { output, exitCode } = await runProcess(['sh', '-c', script, mark], {
    signal,
    timeout: 600,
    onLine: (line) => {
      heard.push(line);
      writeFileSync(mark, '');
    },
  });
  t.is(exitCode, 0);
  t.is(output, 'err\nhello\nend');
  t.deepEqual(heard, ['err', 'hello', 'end']);
});

test('a line that does not end comes in pieces, and nothing of it is lost', (t) => {
  const pieces: string[] = [];
  const lines = createLineSplitter((line) => pieces.push(line));
  for (let round = 0; round < 100; round += 1) lines.push(Buffer.alloc(1000, 'x'));
  t.true(pieces.length >= 6);
  lines.push(Buffer.from(`${'y'.repeat(100_000)}\nend\r\r\n`));
  lines.end();
  t.true(pieces.every(({ length }) => length <= 16 * 1024));
  t.is(pieces.at(-1), 'end');
  t.is(pieces.join('').length, 200_003);
});

testNeeding('sleep')('a program that leaves its pipe to another is not waited for', async (t) => {
  const { output, exitCode } = await runProcess(['sh', '-c', 'sleep 600 & echo $!'], {
    signal,
    timeout: 600,
  });
  process.kill(Number(output), 'SIGKILL');
  t.is(exitCode, 0);
});

testNeeding('sleep')('a program ends with the process that started it', async (t) => {
  const script = `
    import { startProcess } from '#src/io/process/process.js';
    const { pid } = startProcess(['sleep', '600'], { stdio: 'ignore' });
    process.stdout.write(String(pid), () => process.exit());`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exited = once(child, 'exit');
  const [pid] = await once(child.stdout, 'data');
  await exited;
  await waitForEnd(String(pid));
  t.pass();
});

/** It hears no SIGTERM and keeps the pipes open; says its number when it is so far. */
const stubborn = '(trap "" TERM; sh -c \'echo $PPID\'; while :; do sleep 1000; done) &';
const ways = {
  'ends by itself': 'exit',
  'ends on SIGTERM': 'exec sleep 1000',
  'does not end': 'trap "" TERM; wait',
};
for (const [title, rest] of Object.entries(ways))
  test(`what a program that ${title} has started is ended with it`, async (t) => {
    const stopped = new AbortController();
    let pid = '';
    const onLine = (line: string) => {
      pid = line;
      stopped.abort();
    };
    const options = { signal: stopped.signal, timeout: 600, grace: 100, onLine };
    await t.throwsAsync(runProcess(['sh', '-c', `${stubborn} ${rest}`], options), { code: 'interrupted' });
    await waitForEnd(pid);
  });

test('a filter ends what its program has left', async (t) => {
  const options = { package: 'x', failure: (said: string) => new Error(said) };
  let pid = '';
  for await (const piece of runFilter({ ...options, argv: ['sh', '-c', stubborn] }, noBytes())) {
    pid = Buffer.from(piece).toString().trim();
    break;
  }
  await waitForEnd(pid);
  t.regex(pid, /^\d+$/);
});

test('a program is missing also where a folder of PATH cannot be searched', async (t) => {
  const folder = await createTestFolder(t);
  // Root may search anything; what is no program answers the same.
  writeFileSync(join(folder, 'absent-program'), '', { mode: 0o600 });
  const options = { signal, timeout: 60, environment: { PATH: folder } };
  await t.throwsAsync(runProcess(['absent-program'], options), { code: 'program-missing' });
});
