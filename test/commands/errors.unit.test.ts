import { PassThrough } from 'node:stream';
import test from 'ava';
import { guard } from '#src/commands/shared/errors.js';
import { MobyPatchError } from '#src/model/error/error.js';
import { createCommandContext } from '../fixtures/command-context.js';

/** What an action that throws says on both streams. */
async function fail(error: unknown, flags = {}) {
  let stderr = '';
  let code: number | undefined;
  const context = createCommandContext('/project');
  const action = guard(
    {
      ...context,
      stderr: new PassThrough().on('data', (piece) => {
        stderr += piece;
      }),
      setExitCode: (given) => {
        code = given;
      },
    },
    (_flags: object) => Promise.reject(error),
  );
  await action(flags);
  return { code, stderr, stdout: context.printed() };
}

test('a defect is printed with its stack and its cause', async (t) => {
  const { code, stderr } = await fail(new TypeError('no such thing', { cause: new RangeError('too far') }));
  t.is(code, 1);
  t.regex(stderr, /^moby-patch: no such thing \[internal\]\n {2}try: .*report it\n/);
  t.regex(
    stderr,
    /\n {2}TypeError: no such thing\n[\s\S]*errors\.unit\.test\.js:\d+[\s\S]*RangeError: too far/,
  );
});

test('an error of the user has no stack, and paths in the working folder are relative', async (t) => {
  const cause = new Error('inside');
  const error = new MobyPatchError('invalid', 'image-unknown', 'found nothing', {
    path: '/project/x',
    cause,
  });
  const { code, stderr } = await fail(error);
  t.is(code, 2);
  t.is(stderr, 'moby-patch: x: found nothing [image-unknown]\n');
});

test('a file with the name of a thing is named all the same', async (t) => {
  const message = 'found an ISO 9660 disk, wanted an initrd';
  const fault = (path: string, text = message) =>
    new MobyPatchError('invalid', 'image-invalid', text, { path });
  t.regex((await fail(fault('/project/initrd'))).stderr, /^moby-patch: initrd: found an ISO/);
  t.regex((await fail(fault('iso'))).stderr, /^moby-patch: iso: found an ISO/);
  t.regex((await fail(fault('iso', 'iso is empty'))).stderr, /^moby-patch: iso is empty/);
});

test('with --json the error is a value on standard output, without the stack', async (t) => {
  const { stdout, stderr } = await fail(new TypeError('no such thing'), { json: true });
  t.regex(stderr, /errors\.unit\.test\.js/);
  t.deepEqual(JSON.parse(stdout), {
    failed: true,
    error: {
      kind: 'failed',
      code: 'internal',
      message: 'no such thing',
      hint: 'this is a defect of moby-patch: please report it',
    },
  });
});
