import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import test, { type ExecutionContext } from 'ava';
import { runProgram } from '#src/commands/program.js';
import { createBuildRequest } from '#src/setup/build-request.js';
import { createSession } from '#src/setup/session.js';
import { createCommandContext } from '../fixtures/command-context.js';
import { createProjectFolder, image } from './project.js';

// Nothing that is written takes the place of what is read: one row a file, with what is typed and what is said.

const patch = `title: A file
parameters:
  word: {secret: true, required: false, description: a word}
steps:
  - file: {path: etc/a, from: a.json}
`;

const inputs = ['initrd.img', 'vmlinuz', 'disk.raw', 'p/patch.yaml', 'p/a.json', 'word', 'o.console.log'];

async function createFolder(t: ExecutionContext): Promise<string> {
  const folder = await createProjectFolder(t);
  await mkdir(join(folder, 'p'));
  for (const name of inputs.slice(1)) await writeFile(join(folder, name), `${name} ${'x'.repeat(600)}`);
  await writeFile(join(folder, 'p/patch.yaml'), patch);
  await writeFile(join(folder, 'initrd.json'), image);
  await writeFile(join(folder, 'moby-patch.yaml'), 'image: initrd.img\npatches: [./p]\n');
  await writeFile(join(folder, 'all.yaml'), 'targets: {a: {image: initrd.json, patches: [./p]}}\n');
  await writeFile(join(folder, 'hosts.json'), '[{"name": "h1"}]');
  return folder;
}

const build = 'build -i initrd.img -p ./p --kernel vmlinuz';

const rows: readonly (readonly [argv: string, said: string])[] = [
  [`${build} -o initrd.img`, 'initrd.img: the output would replace the image it is made from'],
  [`${build} --no-verify -o vmlinuz`, 'vmlinuz: the output would replace the kernel that boots it'],
  [`${build} --disk disk.raw -o disk.raw`, 'disk.raw: the output would replace a disk of the guest'],
  [
    `${build} --disk o.console.log -o o`,
    'o.console.log: a file beside the output would replace a disk of the guest',
  ],
  [`${build} --no-verify -o p/patch.yaml`, 'p/patch.yaml: the output would replace the patch p'],
  [`${build} --no-verify -o p/a.json`, 'p/a.json: the output would replace a file of the patch p'],
  [
    `${build} --no-verify --secret word=file:word -o word`,
    'word: the output would replace the file with the secret word',
  ],
  ['build --no-verify -o moby-patch.yaml', 'moby-patch.yaml: the output would replace the configuration'],
  ['build --no-verify -o moby-patch.lock', 'moby-patch.lock: the output would replace the lock'],
  [
    'build -i initrd.json --no-verify --report initrd.json',
    'initrd.json: the report would replace the image it is made from',
  ],
  [
    'build -i initrd.img -p ./p --no-verify --report p/a.json',
    'p/a.json: the report would replace a file of the patch p',
  ],
  [
    'apply -i initrd.json -p ./p --no-verify --secret word=file:word --report p/a.json',
    'p/a.json: the report would replace a file of the patch p',
  ],
  [
    'reapply -i initrd.json -p ./p --no-verify --report initrd.json',
    'initrd.json: the report would replace the image it is made from',
  ],
  [
    'plan -i initrd.json --no-verify --report initrd.json',
    'initrd.json: the report would replace the image it is made from',
  ],
  [
    'verify initrd.json --kernel vmlinuz --report initrd.json',
    'initrd.json: the report would replace the image',
  ],
  [
    'verify initrd.img --kernel vmlinuz --console initrd.img',
    'initrd.img: the console would replace the image',
  ],
  [
    'verify initrd.img --kernel vmlinuz --console vmlinuz',
    'vmlinuz: the console would replace the kernel that boots it',
  ],
  [
    'bisect -i initrd.img -p ./p --kernel vmlinuz --console initrd.img',
    'initrd.img: the console would replace the image it is made from',
  ],
  [
    'build -i initrd.img --for-each hosts.json --as overlay --no-verify --report hosts.json',
    'hosts.json: the report would replace the table of machines',
  ],
  [
    'matrix -i initrd.json -p ./p --kernel vmlinuz --report initrd.json',
    'the report would replace the image it is made from',
  ],
  [
    'build --all --no-verify -c all.yaml --report initrd.json',
    'the report would replace the image it is made from',
  ],
];

/** What lies where a report was to be written is none. */
async function run(argv: string, folder: string) {
  let [code, stderr] = [0, ''];
  const context = createCommandContext(folder);
  await runProgram(argv.split(' '), '0.0.0', {
    ...context,
    environment: { ...process.env, MOBY_PATCH_CACHE: 'none', XDG_STATE_HOME: join(folder, 'state') },
    stderr: new PassThrough().on('data', (piece) => {
      stderr += piece;
    }),
    setExitCode: (given) => {
      code = given;
    },
  });
  return { code, said: stderr + context.printed() };
}

for (const [argv, said] of rows)
  test(`nothing is lost: ${argv}`, async (t) => {
    const folder = await createFolder(t);
    const read = () =>
      Promise.all(
        [...inputs, 'initrd.json', 'moby-patch.yaml', 'hosts.json'].map((name) =>
          readFile(join(folder, name), 'latin1'),
        ),
      );
    const before = await read();
    const { code, said: found } = await run(argv, folder);
    t.true(found.includes(said), found);
    t.is(code, 2);
    t.deepEqual(await read(), before);
  });

test('a use case that leaves no output takes an image with the name of one', async (t) => {
  const folder = await createProjectFolder(t);
  await writeFile(join(folder, 'initrd.patched.img'), image);
  await using session = createSession({ folder, environment: { HOME: folder }, cache: false });
  const wanted = { image: 'initrd.patched.img', kernel: 'vmlinuz', verify: true, config: false } as const;
  const codes = async (writes: boolean) =>
    (await createBuildRequest({ ...wanted, writes }, session)).faults?.map(({ code }) => code);
  t.deepEqual(await codes(true), ['output-is-input']);
  t.deepEqual(await codes(false), []);
});
