import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { runProcess } from '#src/io/process/process.js';
import { createArguments, createCmdline, findQemu, unattended } from '#src/verify/boot/machine/machine.js';
import { createArchive, directory, file, node, signal } from '../fixtures/archive.js';
import { busybox, noBusybox } from '../fixtures/images/busybox.js';
import { findKernel } from '../fixtures/images/kernel.js';
import { declareSerialTest, findMissingProgram } from '../fixtures/needs.js';
import { joinNames, type Listing, type Seen, typeOf } from './listing.js';

const found = await findKernel();

/** Why no kernel can be asked here. */
export const noGuest =
  findMissingProgram('qemu-system-x86_64') ?? noBusybox ?? (typeof found === 'string' ? found : undefined);

export function guestTest(
  title: string,
  body: (t: ExecutionContext) => Promise<void>,
  missing?: string,
): void {
  declareSerialTest(noGuest ?? missing, title, body);
}

/** Where the guest's own things are: in no image that is looked at. */
const own = '.listing';

/**
 * Four lists, each behind its size: the names, a line of numbers for each, a line with name and target for
 * each symlink, a line with digest and name for each file. `find` goes first to a file, so that all see
 * the same names; nothing outside of the guest's own folder is written.
 */
const init = `#!/${own}/busybox sh
b=/${own}/busybox
cd /
out=/${own}/ttyS1
$b stty -F $out raw
(
	cd /
	$b find . -xdev -path ./${own} -prune -o -print0 >/${own}/names
	$b xargs -0 $b stat -c '%f %u %g %s %t %T %Y %d:%i' </${own}/names >/${own}/stats
	$b find . -xdev -path ./${own} -prune -o -type l -print0 | $b xargs -0r $b stat -c '%N' >/${own}/targets
	$b find . -xdev -path ./${own} -prune -o -type f -print0 | $b xargs -0r $b sha256sum >/${own}/digests
	for list in names stats targets digests; do
		$b wc -c </${own}/$list
		$b cat /${own}/$list
	done
	echo end
) >$out 2>/${own}/console
$b poweroff -f
`;

/** What a kernel brings itself, as long as the image says nothing of it. */
const builtIn: ReadonlyMap<string, Pick<Seen, 'type' | 'mode' | 'device'>> = new Map([
  // The root of a tmpfs (mm/shmem.c).
  ['', { type: 'directory', mode: '1777', device: undefined }],
  ['dev', { type: 'directory', mode: '755', device: undefined }],
  ['dev/console', { type: 'character', mode: '600', device: '5:1' }],
  ['root', { type: 'directory', mode: '700', device: undefined }],
]);

/** The listing without what the kernel itself brings and `wanted` does not have. */
export function withoutBuiltIn(listing: Listing, wanted: Listing): Listing {
  return new Map(
    [...listing].filter(([path, seen]) => {
      const known = builtIn.get(path);
      const isOwn = seen.type === known?.type && seen.mode === known.mode && seen.device === known.device;
      return !isOwn || wanted.has(path);
    }),
  );
}

export interface GuestListing {
  readonly listing: Listing;
  readonly console: string;
}

/**
 * Boots the image with Debian's kernel and lists what that has made of it. The lists come over a second
 * serial port, since the kernel writes to the first one as well.
 */
export async function listInGuest(image: string, folder: string, memory = 256): Promise<GuestListing> {
  if (typeof found === 'string' || busybox === undefined) throw new Error(noGuest);
  const initrd = join(folder, 'listed.img');
  const output = join(folder, 'listing');
  await writeFile(initrd, Buffer.concat([...(await appendGuest(image))]));
  const cmdline = createCmdline('x86_64', 'tcg', [unattended, `rdinit=/${own}/init`], '');
  const argv = createArguments({
    architecture: 'x86_64',
    accelerator: 'tcg',
    kernel: found.kernel,
    initrd,
    memory,
    network: 'none',
    version: (await findQemu('x86_64', signal)).version,
    cmdline,
  });
  const { output: console } = await runProcess(['qemu-system-x86_64', ...argv, '-serial', `file:${output}`], {
    signal,
    timeout: 900,
  });
  const bytes = await readFile(output);
  if (bytes.subarray(-4).toString() !== 'end\n') throw new Error(`the guest's listing is cut:\n${console}`);
  return { listing: parseListing(bytes.toString('latin1')), console };
}

async function appendGuest(image: string): Promise<Buffer[]> {
  const bytes = await readFile(image);
  const guest = createArchive([
    directory(own),
    node(`${own}/ttyS1`, 0o020600, { rdevmajor: 4, rdevminor: 65 }),
    node(`${own}/console`, 0o020600, { rdevmajor: 5, rdevminor: 1 }),
    file(`${own}/init`, init, { mode: 0o100755 }),
    { name: `${own}/busybox`, mode: 0o100755, body: await readFile(busybox ?? '') },
  ]);
  // At a multiple of four, and four zeros behind lz4.
  return [bytes, Buffer.alloc(4 + ((4 - (bytes.length % 4)) % 4)), guest];
}

function parseListing(text: string): Listing {
  let at = 0;
  const [names, stats, targets, digests] = [take(), take(), take(), take()];
  const paths = names.split('\0').slice(0, -1);
  const lines = stats.split('\n').slice(0, -1);
  if (paths.length !== lines.length) throw new Error(`${paths.length} names, but ${lines.length} lines`);
  const seen = paths.map((path, index) => [path, parseLine(lines[index] ?? '')] as const);
  at = 0;
  const withTargets = seen.map(([path, one]) => {
    if (one.type !== 'symlink') return [path, one] as const;
    const start = `'${path}' -> '`;
    const end = at + start.length + one.bytes;
    if (!targets.startsWith(start, at) || targets.slice(end, end + 2) !== "'\n")
      throw new Error(`no target of ${path}`);
    const target = targets.slice(at + start.length, end);
    at = end + 2;
    return [path, { ...one, target }] as const;
  });
  at = 0;
  const whole = withTargets.map(([path, one]) => {
    if (one.type !== 'file') return [path, one] as const;
    const end = at + 64 + 2 + path.length;
    if (digests.slice(at + 64, end + 1) !== `  ${path}\n`) throw new Error(`no digest of ${path}`);
    const sha256 = digests.slice(at, at + 64);
    at = end + 1;
    return [path, { ...one, size: one.bytes, sha256 }] as const;
  });
  return joinNames(
    whole.map(([path, { link, bytes: _, ...one }]) => [path === '.' ? '' : path.slice(2), one, link]),
  );

  function take(): string {
    const start = text.indexOf('\n', at) + 1;
    const size = Number(text.slice(at, start));
    if (!Number.isInteger(size) || start + size > text.length) throw new Error('the listing is cut');
    at = start + size;
    return text.slice(start, at);
  }
}

interface Numbers extends Seen {
  readonly bytes: number;
  readonly link: string | undefined;
}

function parseLine(line: string): Numbers {
  const [mode = '', uid, gid, size, major = '', minor = '', mtime, link] = line.split(' ');
  const type = typeOf(Number.parseInt(mode, 16));
  const isDevice = type === 'character' || type === 'block';
  return {
    type,
    mode: (Number.parseInt(mode, 16) & 0o7777).toString(8),
    uid: Number(uid),
    gid: Number(gid),
    mtime: Number(mtime),
    device: isDevice ? `${Number.parseInt(major, 16)}:${Number.parseInt(minor, 16)}` : undefined,
    bytes: Number(size),
    link: type === 'directory' ? undefined : link,
  };
}
