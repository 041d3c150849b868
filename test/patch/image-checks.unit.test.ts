// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the notation of patch files
import { createHash } from 'node:crypto';
import test, { type ExecutionContext } from 'ava';
import { checkPins } from '#src/patch/check-pins.js';
import { definePatch } from '#src/patch/define-patch.js';
import { findImageWarnings } from '#src/patch/image-warnings.js';
import { createPlan } from '#src/patch/plan.js';
import { rehearseSteps } from '#src/patch/rehearse.js';
import { createMemoryWorkspace, type Tree } from '../fixtures/memory-workspace.js';
import { createPatch } from './support/patch-folder.js';

const { signal } = new AbortController();
const vendor = 'a=1\nb=2\nc=3\n';
const upgraded = 'a=1\nb=9\nc=3\n';
const hash = (text: string) => createHash('sha256').update(text).digest('hex');

async function plan(t: ExecutionContext, yaml: string, files: Record<string, string> = {}) {
  return (
    await createPlan({ patches: [await createPatch(t, yaml, files)], settings: {}, image: '0', stamp: 7 })
  ).steps;
}

async function findBroken(t: ExecutionContext, was: string, tree: Tree, accept: readonly string[] = []) {
  const yaml = `steps:\n  - line: {path: etc/app.conf, line: d=4, was: ${was}}\n`;
  const steps = await plan(t, yaml, { 'vendor.conf': vendor });
  return checkPins(steps, { workspace: createMemoryWorkspace(tree), accept, signal });
}

test('a file of the vendor that is another one than was pinned stops the build, with both differences', async (t) => {
  t.deepEqual(await findBroken(t, 'vendor.conf', { 'etc/app.conf': vendor }), []);
  t.deepEqual(await findBroken(t, hash(vendor), { 'etc/app.conf': vendor }), []);
  t.deepEqual(await findBroken(t, hash(vendor), { 'etc/app.conf': upgraded }, ['/etc/app.conf']), []);
  const [broken, ...more] = await findBroken(t, 'vendor.conf', { 'etc/app.conf': upgraded });
  t.is(more.length, 0);
  t.like(broken, { code: 'pin-broken', kind: 'invalid' });
  t.is(
    broken?.message,
    `line "d=4" in etc/app.conf: found another etc/app.conf in the image than the patch was written for
  pinned: sha256 ${hash(vendor)}
  image:  12 bytes, sha256 ${hash(upgraded)}
  patch:  16 bytes, sha256 ${hash(`${upgraded}d=4\n`)}
  what the vendor has changed:
    @@ -1,3 +1,3 @@
     a=1
    -b=2
    +b=9
     c=3
  what the patch would change now:
    @@ -1,3 +1,4 @@
     a=1
     b=9
     c=3
    +d=4`,
  );
  t.true(
    broken?.hint?.includes(`was: ${hash(upgraded)}; or go on with the patch as it is: --accept etc/app.conf`),
  );
  const [gone] = await findBroken(t, hash(vendor), {});
  t.regex(gone?.message ?? '', /image: {2}nothing/);
});

test('steps are tried on the image until a command runs, and everything that cannot succeed is reported', async (t) => {
  const yaml = `steps:
  - replace: {path: etc/motd, text: hello, with: bye}
  - file: {path: etc/new, content: "x"}
  - replace: {path: etc/new, text: x, with: y}
  - package: {apk: [nano]}
  - replace: {path: etc/none, text: a, with: b}
`;
  const at = createMemoryWorkspace({ 'etc/motd': 'hi', 'usr/bin/apt-get': '' });
  const { problems, count, end } = await rehearseSteps(await plan(t, yaml), at, signal);
  t.deepEqual(
    problems.map(({ code }) => code),
    ['replace-mismatch', 'package-manager'],
  );
  t.is(count, 3);
  t.is(
    end,
    '"package apk: nano" runs commands in the image, so it and the step behind it can only be tried by a build',
  );
  t.deepEqual(at.commands, []);
});

test('what a step finds in the image is shown before the build', async (t) => {
  const yaml = 'steps:\n  - cron: {name: beat, schedule: "@daily", command: date}\n';
  const at = createMemoryWorkspace({ 'etc/passwd': 'root:x:0:0::/root:/bin/sh\n', 'etc/cron.d/x': '' });
  const { notes } = await rehearseSteps(await plan(t, yaml), at, signal);
  t.is(notes.length, 1);
  t.regex(notes[0] ?? '', /^cron beat: "date" at @daily: found no cron service/);
});

test('what the boot of this image would skip or hide is a warning', async (t) => {
  const yaml = `steps:
  - fstab: {source: "h:/x", target: /x, type: nfs}
  - fstab: {source: "h:/y", target: /y, type: nfs, options: "noauto,nolock"}
  - fstab: {source: "h:/z", target: /z, type: ext4}
  - file: {path: var/lib/x, content: x}
  - file: {path: var2/x, content: x}
`;
  const steps = await plan(t, yaml);
  const tree: Tree = {
    'etc/fstab': '# c\n/dev/sda1 /var ext4 defaults 0 0\n',
    'etc/runlevels/default/sshd': '',
  };
  const warnings = await findImageWarnings(steps, { workspace: createMemoryWorkspace(tree), init: 'openrc' });
  t.deepEqual(
    warnings.map(({ code, at }) => [code, at.line]),
    [
      ['fstab-skipped', 3],
      ['fstab-skipped', 4],
      ['path-hidden', 6],
    ],
  );
  const other: Tree = { 'etc/runlevels/boot/netmount': '' };
  const fewer = await findImageWarnings(steps, { workspace: createMemoryWorkspace(other), init: 'openrc' });
  t.deepEqual(
    fewer.map(({ at }) => at.line),
    [4],
  );
});

test('a patch is defined in TypeScript with the checks of a file, and is as such a one in a plan', async (t) => {
  const input = {
    title: 'Test',
    parameters: { port: { default: 22, description: 'd' } },
    steps: [
      { file: { path: 'etc/port', content: '${port}\n' } },
      { when: { os: 'alpine' }, remove: 'etc/motd' },
    ],
  };
  const defined = await definePatch(input, { id: 'ports' });
  const { steps } = await createPlan({ patches: [defined], settings: { port: '80' }, image: '0', stamp: 7 });
  const at = createMemoryWorkspace({ 'etc/motd': '' });
  for (const step of steps) await step.apply(at);
  t.is(await at.text('etc/port'), '80\n');
  const wrong = {
    title: 'Test',
    steps: [{ file: { pth: 'x', content: 'y' } }, { copy: { from: 'no', to: '/' } }],
  };
  // @ts-expect-error: the type refuses the key already.
  const error = await t.throwsAsync(definePatch(wrong, { id: 'ports', folder: 'docs' }), {
    code: 'patch-invalid',
  });
  t.deepEqual(
    error?.message.split('\n').map((line) => line.slice(0, 64)),
    [
      'ports: steps[0].file.pth: unknown key "pth" (did you mean "path"',
      'ports: steps[1].copy.from: found no folder no in the patch folde',
    ],
  );
});
