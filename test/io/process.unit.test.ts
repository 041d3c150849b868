import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { createLineKeeper, runProcess } from '#src/io/process.js';
import { createTestFolder, signal } from '../fixtures/archive.js';

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
