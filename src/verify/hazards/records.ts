import { showPath } from '../../format/path.js';
import type { Codec } from '../../model/image/layout.js';
import type { Hazard } from '../../model/result/hazard.js';
import { parentPath, trimSlashes } from '../../tree/resolve.js';
import type { Facts } from './facts.js';
import { nameArchive } from './name-archive.js';

/** Hazards of one kind that are told; `inspect` lists every record that a kernel drops. */
const mostNamed = 200;

/** Another device than the console, or no device, at its path: init then silently has no output. */
export function findConsole(facts: Facts): Hazard[] {
  const entry = facts.image.entries.get('dev/console');
  if (entry === undefined) return [];
  const { type, device } = entry;
  if (type === 'character' && device?.major === 5 && device.minor === 1) return [];
  const found = device === undefined ? `a ${type}` : `a ${type} device ${device.major}:${device.minor}`;
  return [
    {
      code: 'console-not-device',
      severity: 'fatal',
      path: 'dev/console',
      message: `found ${found}, wanted the character device 5:1: the boot is silent, without an error`,
      hint: 'remove it (a kernel brings its own), or restore the one of the stock image',
    },
  ];
}

/** Entries that a kernel drops because it creates no parent directories. */
export function findMissingParents(facts: Facts): Hazard[] {
  const parents = new Map<string, number>();
  for (const { record, reason } of facts.image.dropped) {
    if (!reason.includes('parent')) continue;
    const name = trimSlashes(record.name.replace(/^(\.?\/)+/, ''));
    const parent = trimSlashes(parentPath(name));
    parents.set(parent, (parents.get(parent) ?? 0) + 1);
  }
  return [...parents].slice(0, mostNamed).map(([path, count]) => ({
    code: 'parent-missing',
    severity: 'warning',
    path,
    message: `${count} ${count === 1 ? 'entry' : 'entries'} in it will be missing: no record before them creates the directory, and neither does a kernel`,
    hint: `put the directory ${showPath(path)} first`,
  }));
}

/**
 * Only a TRAILER empties the kernel's table of hard links. After an archive without one, a file of the next archive
 * with the same numbers becomes another name of a file of the first.
 */
export function findLinkLeaks({ image }: Facts): Hazard[] {
  return image.leaks
    .slice(0, mostNamed)
    .map(({ record, first }) =>
      createLeak(nameArchive(image.layout, record.segment), record.name, first.name),
    );
}

function createLeak(path: string, name: string, first: string): Hazard {
  return {
    code: 'link-leak',
    severity: 'fatal',
    path,
    message: `no TRAILER ends the archives before it, so ${showPath(name)} becomes a hard link to ${showPath(first)}, whose numbers it shares`,
    hint: 'end every archive with a TRAILER: moby-patch unpack IMAGE -o DIR shows the records',
  };
}

const options: Record<Exclude<Codec, 'none'>, string> = {
  gzip: 'CONFIG_RD_GZIP',
  bzip2: 'CONFIG_RD_BZIP2',
  lzma: 'CONFIG_RD_LZMA',
  xz: 'CONFIG_RD_XZ',
  lzo: 'CONFIG_RD_LZO',
  lz4: 'CONFIG_RD_LZ4',
  zstd: 'CONFIG_RD_ZSTD',
};

/** Segments that the kernel cannot decompress. */
export function findUnknownCodecs({ image, kernelConfig }: Facts): Hazard[] {
  if (kernelConfig === undefined) return [];
  return image.layout.segments.flatMap(({ compression: { codec } }, index): Hazard[] => {
    if (codec === 'none' || kernelConfig.get(options[codec]) === 'y') return [];
    return [
      {
        code: 'codec-not-in-kernel',
        severity: 'fatal',
        path: nameArchive(image.layout, index),
        message: `it is compressed with ${codec}, and the kernel was built without ${options[codec]}`,
        hint: 'choose another codec: moby-patch build --compression gzip',
      },
    ];
  });
}
