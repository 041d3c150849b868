import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { createTestFolder } from '../fixtures/archive.js';
import { runMoby } from '../fixtures/moby.js';
import { createProjectFolder, writePatch } from './project.js';

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
