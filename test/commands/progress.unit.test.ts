import { mock } from 'node:test';
import test from 'ava';
import { createLiveLine, cutText, describeWork } from '#src/commands/shared/live-line.js';
import { createProgress, createQuietProgress } from '#src/commands/shared/progress.js';
import { talk } from '#src/commands/shared/talk.js';
import { createCommandContext } from '../fixtures/command-context.js';

/** A terminal, or a pipe, that keeps what is written. */
function createStream(isTTY: boolean, columns = 40) {
  let text = '';
  return {
    isTTY,
    columns,
    write(piece: string) {
      text += piece;
      return true;
    },
    /** What was written since the last call. */
    take() {
      const taken = text;
      text = '';
      return taken;
    },
  };
}

function createContext(stream: ReturnType<typeof createStream>, environment = {}) {
  const stderr = stream as unknown as NodeJS.WritableStream;
  return { ...createCommandContext('/project'), stderr, live: createLiveLine(stream, environment) };
}

test('a line fits the terminal, one without columns too', (t) => {
  t.is(cutText('patch.yaml', 5), 'patch');
  t.is(cutText('日本語', 5), '日本');
  const narrow = createStream(true, 0);
  createLiveLine(narrow, {})?.draw('x'.repeat(200));
  t.is(narrow.take(), `\r\x1b[K${'x'.repeat(79)}`);
});

test('nothing is drawn over in a pipe, in CI and on a terminal that cannot', (t) => {
  t.is(createLiveLine(createStream(false), {}), undefined);
  t.is(createLiveLine(createStream(true), { CI: 'true' }), undefined);
  t.is(createLiveLine(createStream(true), { TERM: 'dumb' }), undefined);
  t.truthy(createLiveLine(createStream(true), { CI: 'false', NO_COLOR: '1' }));
});

test('work has its part, its rate and what is left', (t) => {
  t.is(describeWork({ done: 50 * 2 ** 20, total: 200 * 2 ** 20 }, 5), '25 %, 10 MiB/s, 15 s left');
  t.is(describeWork({ done: 10_240, total: 20_480 }, 2), '50 %, 5 KiB/s, 2 s left');
  for (const done of [0, 200, 300]) t.is(describeWork({ done, total: 200 }, 1), '');
});

test.serial('a terminal gets a line each second, which goes when something is printed', (t) => {
  mock.timers.enable({ apis: ['setInterval'] });
  t.teardown(() => mock.timers.reset());
  const stream = createStream(true);
  const context = createContext(stream);
  const progress = createProgress(context, false);
  progress.onStage('unpack');
  t.is(stream.take(), '\r\x1b[Kunpack (0 s) ');
  progress.onWork({ done: 2 ** 20, total: 2 ** 30 });
  mock.timers.tick(1000);
  t.regex(stream.take().slice(4), /^unpack \(0 s\) 0 %, \d+ \w+\/s/);
  talk(context, 'a warning');
  t.is(stream.take(), '\r\x1b[Ka warning\n');
  progress.end();
  t.is(stream.take(), '');
});

test.serial('a log gets a line for each stage, and one when ten seconds were silent', (t) => {
  mock.timers.enable({ apis: ['setInterval'] });
  t.teardown(() => mock.timers.reset());
  const stream = createStream(false);
  const progress = createProgress(createContext(stream), false);
  progress.onStage('verify');
  t.regex(stream.take(), /^ +0\.\d s {2}verify {4}\.\.\.\n$/);
  mock.timers.tick(9999);
  t.is(stream.take(), '');
  mock.timers.tick(1);
  t.regex(stream.take(), /^ +0\.\d s {2}verify {4}still working\n$/);
  progress.showLine?.('Starting \x1b[31msshd');
  mock.timers.tick(10_000);
  t.regex(stream.take(), /verify {4}still working, the guest's last line: Starting \\x1b\[31msshd\n$/);
  progress.end();
});

test('a quick command that reads draws nothing, and -q nothing at all', (t) => {
  const stream = createStream(true);
  const context = createContext(stream);
  createQuietProgress(context, 'reading').onWork({ done: 1, total: 2 });
  const quiet = createProgress(context, true);
  quiet.onStage('unpack');
  quiet.log('a line');
  t.is(stream.take(), '');
});
