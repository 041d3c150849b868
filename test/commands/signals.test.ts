import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage } from 'node:http';
import { delimiter, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import test, { type ExecutionContext } from 'ava';
import { createArchive, createTestFolder, file } from '../fixtures/archive.js';
import { cli, runMoby } from '../fixtures/images/moby.js';
import { createProjectFolder, motd, writePatch } from './project.js';

const command = `title: Run a command
steps:
  - run: "true"
`;

/** A daemon that says its version and then nothing more; each request that it does not answer is passed on. */
async function serveSilence(t: ExecutionContext, onSilence: (request: IncomingMessage) => void) {
  const socket = join(await createTestFolder(t), 'docker.sock');
  const server = createServer((request, response) => {
    if (request.url?.endsWith('/version')) response.end('{"Version":"1","Os":"linux","Arch":"amd64"}');
    else onSilence(request);
  });
  server.listen(socket);
  await once(server, 'listening');
  t.teardown(() => {
    server.closeAllConnections();
    server.close();
  });
  return { DOCKER_HOST: `unix://${socket}` };
}

const build = [
  'build',
  '-i',
  'initrd.img',
  '-p',
  'motd',
  '-o',
  'out.img',
  '--engine',
  'docker',
  '--no-verify',
];

test('a second signal ends the clean-up at once, and what is left is named', async (t) => {
  const folder = await createProjectFolder(t);
  await writePatch(folder, command);
  let pid = 0;
  // The import, then the question for what is to be removed.
  const environment = await serveSilence(t, () => process.kill(pid, 'SIGINT'));
  const { code, stderr } = await runMoby(build, {
    folder,
    environment,
    onLine: (_, child) => {
      pid = child.pid ?? 0;
    },
  });
  t.is(code, 130);
  t.regex(stderr, new RegExp(`interrupted again by SIGINT; left are \\S*moby-patch-${pid}-`));
  t.regex(stderr, /try: moby-patch prune/);
});

test('a clean-up that does not come to its end ends after ten seconds, and what is left is named', async (t) => {
  const folder = await createProjectFolder(t);
  await writePatch(folder, command);
  let pid = 0;
  const environment = await serveSilence(t, ({ url }) => {
    if (url?.includes('/images/create')) process.kill(pid, 'SIGTERM');
  });
  const { code, stderr } = await runMoby(build, {
    folder,
    environment,
    onLine: (_, child) => {
      pid = child.pid ?? 0;
    },
  });
  t.is(code, 130);
  t.regex(stderr, /cleaning up took more than 10 s; left are/);
});

for (const [source, code] of [
  ['yes', 'image-invalid'],
  ['cat /dev/zero', 'input-empty'],
])
  test(`the endless standard input of ${source} is refused`, async (t) => {
    const folder = await createTestFolder(t);
    const enter = ['sh', '-c', `${source} | "$@"`, 'sh'];
    const ran = await runMoby(['inspect', '-'], { folder, enter });
    t.is(ran.code, 2);
    t.regex(ran.stderr, new RegExp(`\\[${code}\\]`));
  });

/** A program of this name that never says a word, in front of the PATH. */
async function shadow(t: ExecutionContext, name: string, script: string): Promise<{ PATH: string }> {
  const folder = await createTestFolder(t);
  await writeFile(join(folder, name), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  return { PATH: `${folder}${delimiter}${process.env.PATH}` };
}

/** Tells the folder that it was started, which is when the signal comes, and waits for ever. */
const wait = (folder: string) => `touch '${folder}/started'; exec sleep 600`;

/** Runs the program and sends the signal when the file `started` is there. */
async function interrupt(folder: string, args: readonly string[], environment: Record<string, string>) {
  const child = spawn(process.execPath, [cli, ...args], {
    cwd: folder,
    env: { ...process.env, MOBY_PATCH_CACHE: 'none', ...environment },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let stderr = '';
  child.stderr.on('data', (piece) => {
    stderr += piece;
  });
  const ended = once(child, 'close');
  while (!existsSync(join(folder, 'started')) && child.exitCode === null) await delay(20);
  child.kill('SIGTERM');
  const [code] = await ended;
  return { code, stderr };
}

for (const [what, program, args] of [
  ['a silent decompressor', 'xz', ['inspect', 'a.xz']],
  [
    'a silent compressor',
    'lzop',
    ['build', '-i', 'initrd.img', '-o', 'o', '--compression', 'lzo', '--no-verify'],
  ],
  [
    'a guest',
    'qemu-system-x86_64',
    ['verify', 'initrd.img', '--kernel', 'kernel', '--accelerator', 'tcg', '--expect', 'x'],
  ],
] as const)
  test(`a signal ends the wait for ${what}`, async (t) => {
    const folder = await createProjectFolder(t);
    // An xz stream header, and the magic numbers of a bzImage.
    await writeFile(
      join(folder, 'a.xz'),
      Buffer.from('fd377a585a000001' + '6922de36' + '0200210116000000742fe5a3', 'hex'),
    );
    const kernel = Buffer.alloc(1024);
    kernel.write('HdrS', 0x202);
    kernel.writeUInt16LE(0xaa55, 0x1fe);
    await writeFile(join(folder, 'kernel'), kernel);
    const version = program === 'xz' ? '' : '[ "$1" = --version ] && { echo 1; exit; }; ';
    const environment = await shadow(t, program, version + wait(folder));
    const { code, stderr } = await interrupt(folder, args, environment);
    t.is(code, 130, stderr);
    t.regex(stderr, /interrupted by SIGTERM; nothing was replaced \[interrupted\]/);
    t.notRegex(stderr, /cleaning up took/);
  });

test('a signal ends watch between two looks', async (t) => {
  const folder = await createProjectFolder(t);
  const environment = { XDG_STATE_HOME: join(folder, 'state'), HOME: folder };
  await writePatch(folder, motd);
  const args = [
    'watch',
    '-i',
    'initrd.img',
    '-p',
    'motd',
    '--no-verify',
    '--settle',
    '600',
    '--interval',
    '600',
  ];
  const { code } = await runMoby(args, {
    folder,
    environment,
    onLine: (line, child) => {
      if (line.includes('waiting until nothing has written')) child.kill('SIGINT');
    },
  });
  t.is(code, 0);
});

test('a signal ends a program whose reader has stopped reading', async (t) => {
  const folder = await createTestFolder(t);
  const names = Array.from({ length: 20_000 }, (_, index) => file(`${index}${'x'.repeat(200)}`, ''));
  await writeFile(join(folder, 'large.img'), createArchive(names));
  const child = spawn(process.execPath, [cli, 'ls', 'large.img'], {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stderr = '';
  child.stderr.on('data', (piece) => {
    stderr += piece;
  });
  // The pipe holds a sixtieth of the names, and nobody reads on.
  await once(child.stdout, 'readable');
  child.kill('SIGTERM');
  const [code] = await once(child, 'exit');
  child.stdout.destroy();
  t.is(code, 130);
  t.notRegex(stderr, /cleaning up took/);
});
