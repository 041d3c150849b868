import { parseType } from '../../format/mode.js';
import { showPath } from '../../format/path.js';
import type { Hazard } from '../../model/hazard.js';
import type { Codec } from '../../model/layout.js';
import type { Facts } from './facts.js';

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
    const parent = record.name.replace(/^(\.?\/)+/, '').replace(/\/*[^/]*\/*$/, '');
    parents.set(parent, (parents.get(parent) ?? 0) + 1);
  }
  return [...parents].map(([path, count]) => ({
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
export function findLinkLeaks(facts: Facts): Hazard[] {
  const { records, layout } = facts.image;
  const names = new Map<string, { readonly segment: number; readonly name: string }>();
  const leaks = new Map<number, Hazard>();
  let segment = 0;
  for (const record of records) {
    if (record.segment !== segment) {
      if (layout.segments[segment]?.trailer) names.clear();
      segment = record.segment;
    }
    const { ino, nlink, mode, devmajor, devminor } = record.header;
    const type = parseType(mode);
    if (nlink < 2 || type === 'directory' || type === 'symlink') continue;
    const key = `${devmajor}:${devminor}:${ino}:${type}`;
    const first = names.get(key);
    if (first === undefined) names.set(key, { segment, name: record.name });
    else if (first.segment !== segment && !leaks.has(segment))
      leaks.set(segment, createLeak(segment, record.name, first.name));
  }
  return [...leaks.values()];
}

function createLeak(segment: number, name: string, first: string): Hazard {
  return {
    code: 'link-leak',
    severity: 'fatal',
    path: `segment ${segment}`,
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
        path: `segment ${index}`,
        message: `it is compressed with ${codec}, and the kernel was built without ${options[codec]}`,
        hint: 'choose another codec: moby-patch build --compression gzip',
      },
    ];
  });
}
