import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import test, { type ExecutionContext } from 'ava';
import { createOutputClosedError } from '#src/commands/shared/errors.js';
import { configureHostNfs } from '#src/deploy/host/nfs.js';
import { replaceImage } from '#src/deploy/replace-image.js';
import { findBackup } from '#src/deploy/state/backup.js';
import { createDaemonError } from '#src/engine/docker/answers.js';
import { connectDocker } from '#src/engine/docker/connect.js';
import { type Container, createContainer } from '#src/engine/docker/container.js';
import type { ContainerState, Daemon } from '#src/engine/docker/daemon.js';
import { createImports } from '#src/engine/docker/imports.js';
import { createOwner } from '#src/engine/docker/label.js';
import { pushChanges } from '#src/engine/docker/transfer.js';
import { createMountedTrees } from '#src/engine/local/mount-points.js';
import { findSandbox } from '#src/engine/local/sandbox/find-sandbox.js';
import { runCommand } from '#src/engine/local/sandbox/run-command.js';
import { findRuntimes } from '#src/engine/local/sandbox/runtime.js';
import { createOverlay } from '#src/engine/overlay.js';
import { createFolder, createFolderFault } from '#src/folder/folder.js';
import { noCache } from '#src/io/cache.js';
import { createSpool } from '#src/io/file/spool.js';
import { MobyPatchError } from '#src/model/error/error.js';
import type { Archive } from '#src/model/image/archive.js';
import type { ArchiveRecord } from '#src/model/image/layout.js';
import type { Session } from '#src/model/session.js';
import { stepDefinitions } from '#src/patch/steps/registry.js';
import { requireScript } from '#src/patch/system/init/require-script.js';
import type { Sidecar } from '#src/repack/import/read-sidecar.js';
import type { SourceTree } from '#src/repack/import/source-tree.js';
import { createUnpackedImage } from '#src/repack/import/unpacked-image.js';
import { readWhole } from '#src/repack/record-writer.js';
import { writeImage } from '#src/repack/write-image.js';
import { assertNoFaults } from '#src/setup/build-request.js';
import { readManifest } from '#src/setup/lock-file.js';
import { proveMatrix } from '#src/tasks/prove/matrix.js';
import { pushImage } from '#src/tasks/registry/push.js';
import { assertAttestable, createUnattestedError } from '#src/verify/boot/attest/attestable.js';
import {
  createArchive,
  createTestFolder,
  directory,
  file,
  gzip,
  openBytes,
  pad,
  signal,
} from '../fixtures/archive.js';
import { collect, createMemoryArchive, sketchEntry } from '../fixtures/memory-archive.js';
import { createMemoryWorkspace } from '../fixtures/memory-workspace.js';
import { declareSerialTest } from '../fixtures/needs.js';
import { createTestSession } from '../fixtures/session.js';

// Errors that the tests of their parts do not come to: the machine, the daemon or the image must be in a state that is hard to
// bring about. Here the part alone gets what brings it there.

const context = { payload: new Map(), stamp: 0, at: { file: 'patch.yaml', line: 3, column: 5 }, signal };
const session = createTestSession('/nonexistent') as Session;
const digest = '0'.repeat(64);

const applyStep = (kind: string, value: unknown, at = createMemoryWorkspace({})) => {
  const definition = stepDefinitions.get(kind);
  return definition?.apply(definition.schema.parse(value), context, at);
};

const running: ContainerState = { running: true, exitCode: 0, outOfMemory: false, networks: [] };

/** A container of a daemon that does what the test says. */
async function openContainer(daemon: Partial<Daemon>, state = running): Promise<Container | undefined> {
  const all = {
    createContainer: async () => 'id',
    startContainer: async () => {},
    inspectContainer: async () => state,
    ...daemon,
  } as unknown as Daemon;
  const limits = { memory: 100, processes: 100 };
  const owner = createOwner();
  const created = await createContainer({
    daemon: all,
    imageId: 'x',
    owner,
    limits,
    isGrouped: true,
    signal,
  });
  return created?.start();
}

const onLine = () => {};
const endpoint = { host: 'unix:///x', source: 'DOCKER_HOST' };
const fault = (code: string) => Object.assign(new Error(code), { code });
const withoutBodies: Archive = {
  ...createMemoryArchive([sketchEntry({ path: 'a', content: 'x' })]),
  async *bodies() {},
};

async function pushTwins(t: ExecutionContext): Promise<unknown> {
  const folder = await createTestFolder(t);
  const image = { name: 'x', size: 1, sha256: digest };
  const manifest = { version: 1, input: image, output: image, plan: 'x', packages: {}, verdict: 'passed' };
  await writeFile(join(folder, 'x.manifest.json'), JSON.stringify(manifest));
  const request = { reference: 'oci://127.0.0.1:1/a:b', output: 'x', files: ['a/x'] };
  return pushImage(request, createTestSession(folder));
}

async function writeKernel(t: ExecutionContext): Promise<string> {
  const kernel = Buffer.alloc(0x300);
  kernel.write('HdrS', 0x202);
  kernel.writeUInt16LE(0x20f, 0x206);
  const path = join(await createTestFolder(t), 'vmlinuz');
  await writeFile(path, kernel);
  return path;
}

/** A body of a folder that has more bytes by the time it is read. */
function readGrown() {
  const sketch = sketchEntry({ path: 'a', content: 'x' });
  const { records, layout } = createMemoryArchive([sketch]);
  const entry = { ...sketch, sha256: digest, body: sketchEntry({ path: 'a', content: 'xy' }).body };
  const pieces = [[{ gap: 0, raw: new Uint8Array(), record: records[0], sha256: digest }]];
  const head = { version: 1, name: 'x', size: 0, sha256: digest, root: 0, kept: [] } as const;
  const sidecar = { image: head, segments: layout.segments, pieces, opaque: new Map() };
  const tree = { name: 'x', entries: new Map([['a', entry]]), shows: () => 0o644 };
  const { archive } = createUnpackedImage(sidecar as unknown as Sidecar, tree as unknown as SourceTree);
  return readBodies(archive, records);
}

async function* readBodies(archive: Archive, records: readonly ArchiveRecord[]) {
  for await (const [, body] of archive.bodies(new Set(records))) yield* body;
}

/** A file whose body stands at a name of a later archive, which alone gets another one. */
async function splitLinks(t: ExecutionContext): Promise<unknown> {
  const link = { ino: 7, nlink: 2 };
  const first = createArchive([directory('.'), file('a', '', link)], { trailer: false });
  const image = await openBytes(
    t,
    Buffer.concat([pad(gzip(first)), gzip(createArchive([file('b', 'x', link)]))]),
  );
  const put = { op: 'put', entry: sketchEntry({ path: 'b', content: 'y' }) } as const;
  const spool = createSpool(await createTestFolder(t));
  return collect(writeImage(image, [put], { spool }));
}

const cases: readonly [string, (t: ExecutionContext) => unknown][] = [
  [
    'account-full',
    () => {
      const lines = Array.from({ length: 900 }, (_, at) => `u${at}:x:${at + 100}:`).join('\n');
      return applyStep(
        'group',
        { name: 'a', system: true },
        createMemoryWorkspace({ 'etc/group': `${lines}\n` }),
      );
    },
  ],
  [
    'attestation-incomplete',
    () => {
      throw createUnattestedError({ told: 1, count: 2 });
    },
  ],
  ['attestation-unsupported', async (t) => assertAttestable(await writeKernel(t))],
  ['backup-missing', async (t) => findBackup(digest, await createTestFolder(t))],
  [
    'body-missing',
    () => {
      const record = { name: 'a', header: { filesize: 2 } } as ArchiveRecord;
      return Readable.from(readWhole(record, Readable.from([Buffer.from('x')]))).toArray();
    },
  ],
  ['command-invalid', () => runCommand({ argv: ['a\0'], environment: {} } as never)],
  ['command-invalid', () => runCommand({ argv: ['a'], environment: { 'A B': '' } } as never)],
  ['command-text', async () => (await openContainer({}))?.run(['a\0'], { timeout: 1, onLine })],
  ['command-text', async () => (await openContainer({}))?.run(['\udc80'], { timeout: 1, onLine })],
  [
    'docker-absent',
    () => {
      throw createDaemonError(endpoint, 'answer', fault('ECONNREFUSED'));
    },
  ],
  [
    'docker-permission',
    () => {
      throw createDaemonError(endpoint, 'answer', fault('EACCES'));
    },
  ],
  ['docker-container', () => openContainer({}, { ...running, running: false, outOfMemory: true })],
  [
    'docker-exec',
    async () => {
      const daemon = {
        prepareCommand: async () => 'command',
        async *runCommand() {},
        readExitCode: async () => undefined,
      };
      return (await openContainer(daemon))?.run(['x'], { timeout: 1, onLine });
    },
  ],
  ['docker-network', async () => (await openContainer({}))?.setNetwork(true)],
  [
    'docker-remove',
    () => {
      const container = { run: async () => ({ exitCode: 127, output: 'rm: not found' }) };
      return pushChanges(container as unknown as Container, [{ op: 'remove', path: 'a' }]);
    },
  ],
  [
    'docker-tls',
    () =>
      connectDocker({ DOCKER_HOST: 'tcp://x:1', DOCKER_TLS_VERIFY: '1', DOCKER_CERT_PATH: '/nonexistent' }),
  ],
  [
    'host-file-unreadable',
    async (t) => {
      const root = await createTestFolder(t);
      await mkdir(join(root, 'etc/exports'), { recursive: true });
      const options = { share: '/srv', root, action: 'show', platform: 'linux' } as const;
      return configureHostNfs(options, { signal, environment: {} });
    },
  ],
  [
    'image-body',
    () => {
      const daemon = { importImage: (tar: Readable) => tar.toArray() } as unknown as Daemon;
      return createImports({ daemon, image: withoutBodies, cache: noCache, signal }).create(createOwner());
    },
  ],
  [
    'local-folder',
    () => {
      throw createFolderFault(fault('EIO'), 'writing', 'a');
    },
  ],
  [
    'manifest-invalid',
    async (t) => {
      const path = join(await createTestFolder(t), 'manifest.json');
      await writeFile(path, '[]');
      return readManifest(path);
    },
  ],
  [
    'matrix-empty',
    () => proveMatrix({ images: [], kernels: [], rows: [['a']], build: { verify: true } }, session),
  ],
  [
    'matrix-empty',
    () => proveMatrix({ images: ['a'], kernels: [], rows: [], build: { verify: true } }, session),
  ],
  [
    'matrix-kernels',
    () =>
      proveMatrix(
        { images: ['a', 'b', 'c'], kernels: ['a', 'b'], rows: [['a']], build: { verify: true } },
        session,
      ),
  ],
  [
    'mount-point',
    async (t) => {
      const folder = createFolder(await createTestFolder(t));
      await writeFile(join(folder.path, 'proc'), '');
      return createMountedTrees(folder);
    },
  ],
  [
    'output-closed',
    () => {
      throw createOutputClosedError();
    },
  ],
  ['input-changed', () => readGrown().next()],
  ['links-across-segments', (t) => splitLinks(t)],
  ['path-invalid', () => createOverlay({ base: new Map(), stamp: 0 }).put({ path: '', type: 'file' })],
  ['push-file', pushTwins],
  [
    'replace-too-large',
    () => {
      const at = createMemoryWorkspace({ x: 'a'.repeat(2 ** 20) });
      return applyStep('replace', { path: 'x', text: 'a', with: 'b'.repeat(1024) }, at);
    },
  ],
  [
    'request-invalid',
    () => {
      const faults = ['image-missing', 'option-wrong'] as const;
      const request = { faults: faults.map((code) => new MobyPatchError('invalid', code, code)) };
      return assertNoFaults(request as never);
    },
  ],
  [
    'service-not-executable',
    () => {
      const workspace = createMemoryWorkspace({ 'etc/init.d/x': '#!/bin/sh\n' });
      return requireScript('x', { workspace, context });
    },
  ],
  [
    'source-changed',
    async (t) => {
      const folder = await createTestFolder(t);
      const source = join(folder, 'new');
      await writeFile(source, 'x');
      const target = join(folder, 'installed');
      return replaceImage({ source, sha256: digest, target, signature: undefined }, signal);
    },
  ],
];

const times = new Map<string, number>();
for (const [code, provoke] of cases) {
  const time = (times.get(code) ?? 0) + 1;
  times.set(code, time);
  test(`${code}${time === 1 ? '' : ` (${time})`} is one error`, async (t) => {
    t.true((await t.throwsAsync(async () => provoke(t), { code })) instanceof MobyPatchError);
  });
}

const noRuntime = findRuntimes().length > 0 ? undefined : 'no crun or runc: apt-get install crun';
declareSerialTest(
  noRuntime,
  'processor-unknown: not every processor has a list of system calls',
  async (t) => {
    const { arch } = process;
    t.teardown(() => Object.defineProperty(process, 'arch', { value: arch }));
    Object.defineProperty(process, 'arch', { value: 'mips' });
    await t.throwsAsync(findSandbox({ signal, isNested: false }), { code: 'processor-unknown' });
  },
);
