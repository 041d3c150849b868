import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { digestBytes } from '#src/io/digest.js';
import { openInputFile } from '#src/io/file/input-file.js';
import { saveBytes } from '#src/io/file/save-bytes.js';
import { MobyPatchError } from '#src/model/error/error.js';
import { openWrapper } from '#src/wrapper/open-wrapper.js';
import { checkWrapper, replaceInitrd } from '#src/wrapper/replace-initrd.js';
import { readRoot } from '#src/wrapper/root/root-format.js';
import { callMoby } from '../fixtures/command-context.js';
import { inFolder } from './in-folder.js';
import type { Random } from './mutate.js';
import { mutateWrapper } from './mutate-wrapper.js';
import type { Target } from './targets.js';
import { makeWrapperSeeds, wrapperNames } from './wrapper-seeds.js';

const { signal } = new AbortController();
const limits = { anyway: 2 ** 22, ratio: 1, records: 2000, names: 2 ** 20 };

/** `xorriso` and `implantisomd5` get what is hostile. */
async function runIso(bytes: Buffer, random: Random, folder: string): Promise<void> {
  await inFolder(folder, bytes, async (work) => {
    const place = (name: string) => join(work, name);
    const wrapper = await openWrapper(place('old'), 'old');
    const boot = wrapper === undefined ? undefined : random.pick(wrapper.boots);
    const part = boot && wrapper?.parts.get(boot.initrd);
    if (wrapper?.kind !== 'iso' || boot === undefined || part === undefined)
      throw new MobyPatchError('invalid', 'wrapper-part', 'it boots nothing', {});
    await writeFile(place('initrd'), Buffer.alloc(random.pick([part.size, 20_000]), 'new'));
    await mkdir(place('scratch'));
    const wrapped = { path: place('old'), wrapper, boot };
    const request = { wrapped, initrd: place('initrd'), isSame: false, folder: place('scratch'), signal };
    await using replaced = await replaceInitrd(request);
    await saveBytes(place('new'), replaced.bytes, signal);
    await using initrd = await openInputFile(place('initrd'));
    const sha256 = await digestBytes([await initrd.read(0, initrd.size)] as never);
    await checkWrapper({ old: wrapped, written: place('new'), sha256, signal });
  });
}

/** `sqfs2tar` gets what is hostile. */
async function runSquashfs(bytes: Buffer, folder: string): Promise<void> {
  await inFolder(folder, bytes, async (work) => {
    if ((await openWrapper(join(work, 'old'), 'old'))?.kind !== 'squashfs')
      throw new MobyPatchError('invalid', 'wrapper-part', 'it is none', {});
    await mkdir(join(work, 'scratch'));
    await using file = await openInputFile(join(work, 'old'), 'old');
    const { entries } = await readRoot(file, 'squashfs', { folder: join(work, 'scratch'), signal, limits });
    for (const entry of entries) if (entry.type === 'file') await digestBytes(entry.body());
  });
}

const argvs = [
  ['inspect', 'old'],
  ['inspect', '--json', 'old'],
  ['ls', '-l', 'old'],
  ['unpack', 'old', '-o', 'root'],
  ['build', '-i', 'old', '-p', './motd', '-o', 'new', '--no-verify', '--no-cache', '-q'],
  ['build', '-i', 'old', '-p', './motd', '-o', 'new', '--no-verify', '--no-cache', '--drop-signatures'],
  ['build', '-i', 'old', '-p', './motd', '-o', 'new', '--no-verify', '--no-cache', '--as', 'addon'],
];
const patch = 'title: Say hello\nsteps:\n  - file: {path: etc/motd, content: "hello\\n"}\n';

/** A command ends with a code of its own, never with an error that is none of ours. */
async function runCommand(bytes: Buffer, random: Random, folder: string): Promise<void> {
  await inFolder(folder, bytes, async (work) => {
    await mkdir(join(work, 'motd'));
    await writeFile(join(work, 'motd/patch.yaml'), patch);
    const { code, stderr } = await callMoby(random.pick(argvs), work, { HOME: work });
    const names = (await readdir(work)).filter(
      (name) => !/^(?:old|motd|root|new|new\.manifest\.json|root\.moby-patch\.jsonl)$/.test(name),
    );
    if (names.length > 0) throw new Error(`oracle: left ${names.join()}`);
    if (code === 0) return;
    const [, found] = /\[([a-z-]+)\]/.exec(stderr) ?? [];
    throw new MobyPatchError('invalid', (found ?? 'defect') as 'wrapper-part', stderr, {});
  });
}

const lazy = (kinds: readonly string[]) => {
  let seeds: readonly Buffer[] | undefined;
  return () => {
    seeds ??= kinds.flatMap((kind) => makeWrapperSeeds(kind));
    return seeds;
  };
};

function createTarget(name: string, kinds: readonly string[], rest: Pick<Target, 'run' | 'codes'>): Target {
  const seeds = lazy(kinds);
  return {
    name: `wrapper-${name}`,
    get seeds() {
      return seeds();
    },
    usual: 0,
    mutate: mutateWrapper,
    ...rest,
  };
}

/** What starts programs: some hundred times as slow as what does not. */
export const wrapperProgramTargets: readonly Target[] = [
  createTarget('by-xorriso', ['iso'], {
    // xorriso reads a damaged name otherwise than Linux: the new file is then refused.
    codes: /^wrapper-(?:invalid|part|program|differs|unfit)$/,
    run: runIso,
  }),
  createTarget('by-sqfs2tar', ['squashfs'], {
    codes: /^(?:wrapper-(?:invalid|part|unread)|image-too-large)$/,
    run: (bytes, _, folder) => runSquashfs(bytes, folder),
  }),
  createTarget('by-command', wrapperNames, {
    codes: /^(?!defect$|internal$)/,
    run: runCommand,
  }),
];
