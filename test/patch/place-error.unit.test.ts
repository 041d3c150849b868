import test, { type ExecutionContext } from 'ava';
import { createStreamEngine } from '#src/engine/stream.js';
import { createWorkspace } from '#src/engine/workspace.js';
import { encodeRecord, encodeTrailer } from '#src/format/cpio/cpio-writer.js';
import { noCache } from '#src/io/cache.js';
import { MobyPatchError } from '#src/model/error/error.js';
import type { Engine } from '#src/model/patch/engine.js';
import { applySteps } from '#src/patch/apply-steps.js';
import { createPlan } from '#src/patch/plan.js';
import { createFake } from '../engine/fake-root.js';
import { createArchive, directory, file, openBytes, signal, symlink } from '../fixtures/archive.js';
import { createPatch } from './support/patch-folder.js';

// Whatever part of the program refuses something while a step is applied, the error names the line of the patch, and
// the path in the image.

const image = createArchive([
  directory('.'),
  directory('etc'),
  file('etc/passwd', 'root:x:0:0::/root:/bin/sh\n'),
  symlink('loop', 'loop'),
]);

/** Applies a patch, and gives its error with the place in front. */
async function explain(
  t: ExecutionContext,
  steps: string,
  { engine = createStreamEngine(), files = {} }: { engine?: Engine; files?: Record<string, Uint8Array> } = {},
): Promise<string> {
  const patch = await createPatch(t, `steps:\n${steps}`, files);
  const { steps: planned } = await createPlan({
    patches: [patch],
    settings: {},
    image: '0'.repeat(64),
    stamp: 0,
  });
  const archive = await openBytes(t, image);
  const options = { image: archive, engine, reads: [], stamp: 0, signal, log: () => {}, cache: noCache };
  await using workspace = createWorkspace(options);
  const error = await t.throwsAsync<MobyPatchError>(
    applySteps(planned, workspace, undefined, { signal, log: () => {}, onStep: () => {} }),
  );
  return `${error.path?.replace(/^.*patch\.yaml:/, '')} ${error.code}: ${error.message}`;
}

const archiveOf = (name: string) =>
  Buffer.concat([
    encodeRecord({ mode: 0o100644, nlink: 1, filesize: 0 }, Buffer.from(name)),
    encodeTrailer(),
  ]);
const files = { 'a.cpio': archiveOf('passwd/x'), 'long.cpio': archiveOf('x'.repeat(300)) };

for (const [step, found] of [
  ['archive: {from: a.cpio, to: /etc}', 'path-not-directory: etc/passwd/x: found a file at etc/passwd'],
  [
    'archive: {from: long.cpio, to: /etc}',
    `path-too-long: etc/${'x'.repeat(296)}...: found a name of more than 255 bytes`,
  ],
  ['file: {path: etc/passwd/x, content: y}', 'path-not-directory: etc/passwd/x: found a file at etc/passwd'],
  ['file: {path: etc, content: y}', 'path-is-directory: etc: found a directory'],
  ['file: {path: loop/x, content: y}', 'path-loop: loop/x: too many'],
  ['symlink: {path: loop/x, target: y}', 'path-loop: loop/x: too many'],
  ['directory: {path: loop/x}', 'path-loop: loop/x: too many'],
  ['remove: loop/x', 'path-loop: loop/x: too many'],
  ['mode: {path: loop/x, mode: "0600"}', 'path-loop: loop/x: too many'],
  ['line: {path: loop/x, line: y}', 'path-loop: loop/x: too many'],
  ['append: {path: loop/x, content: y}', 'path-loop: loop/x: too many'],
  ['replace: {path: loop/x, text: y, with: z}', 'path-loop: loop/x: too many'],
  ['run: "true"', 'no-commands: this engine runs no commands'],
] as const)
  test(`the error names the line of the step: ${step}`, async (t) => {
    const text = await explain(t, `  - noop: x\n  - ${step}`, { files });
    t.true(text.startsWith(`4:5 ${found}`), text);
  });

test('what commands left is the fault of the last of them, not of the step that finds it', async (t) => {
  const { root } = createFake();
  const pull = async () => {
    throw new MobyPatchError('failed', 'file-too-large', 'found 4 TiB, wanted less', { path: 'x' });
  };
  const engine: Engine = {
    name: 'local',
    offers: ['commands'],
    blind: [],
    probe: async () => ({ ready: true, reason: '' }),
    executor: () => ({ start: async () => ({ ...root, pull }) }),
  };
  for (const next of ['', '  - file: {path: etc/x, content: y}\n', '  - noop: x\n']) {
    const steps = `  - run: "true"\n  - run: truncate -s 4T /x\n${next}`;
    t.is(await explain(t, steps, { engine }), '4:5 file-too-large: x: found 4 TiB, wanted less');
  }
});
