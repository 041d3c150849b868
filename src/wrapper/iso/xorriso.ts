import { rm, stat } from 'node:fs/promises';
import type { InputFile } from '../../io/file/input-file.js';
import { runProcess } from '../../io/process/process.js';
import { MobyPatchError } from '../../model/error/error.js';
import type { WrapperPart } from '../../model/image/wrapper.js';
import { alignUp } from '../align-up.js';
import { keepAppended } from './appended-images.js';
import { readDescriptors, sectorSize } from './descriptors.js';
import { readVolume, type Volume } from './volume.js';
import { watchOutput } from './watch-output.js';

export interface NewFile {
  /** The path of the new file. */
  readonly source: string;
  /** The part that it replaces. */
  readonly part: WrapperPart;
}

export interface XorrisoRequest {
  readonly old: InputFile;
  readonly files: readonly NewFile[];
  /** A new file. */
  readonly destination: string;
  readonly signal: AbortSignal;
}

export const withoutXorriso =
  'with an initrd that is no larger than the old one xorriso is not needed: --level 9, or fewer files';
/** Seconds in which the new image must grow. */
const patience = 300;
/** Seconds for writing an image, however slowly it grows. */
const longest = 6 * 3600;
/** Bytes for what xorriso puts around files. */
const usualGrowth = 64 * 2 ** 20;

/**
 * Writes an ISO with other files in it, where one does not fit into the place of the old one. Dates stay what they were,
 * and the GUIDs of partitions come from the date of the volume: the same inputs give the same bytes. Returns what is missing in the new
 * image, as the end of a sentence. Errors: `wrapper-program`, `program-missing`.
 */
export async function writeWithXorriso(request: XorrisoRequest): Promise<string> {
  const { lost, ...trees } = await keepTrees(request.old);
  const dates = await readVolumeDates(request.old);
  const first = await run(request, trees, dates);
  if (first === undefined) return lost;
  // libisofs 1.5.4 places the tree for old Macs, which grub-mkrescue makes, over the EFI partition: "GPT partitions 1 and 2 overlap".
  if (!/GPT partitions \d+ and \d+ overlap/.test(first.output)) throw first.error;
  await rm(request.destination, { force: true });
  const second = await run(request, trees, [...dates, '-hfsplus', 'off']);
  if (second !== undefined) throw second.error;
  return `${lost}, and without its HFS+ tree, which xorriso cannot write again`;
}

interface Trees {
  /** Options for the trees of names that the old image has: by default xorriso writes Rock Ridge, and no Joliet. */
  readonly options: readonly string[];
  /** Options for the boot images that `replay` would lose. */
  readonly boot: readonly string[];
  /** The path by which xorriso knows a part. */
  pathOf(name: string): string;
}

async function keepTrees(old: InputFile): Promise<Trees & { readonly lost: string }> {
  const descriptors = await readDescriptors(old);
  const volume = await readVolume(old, descriptors);
  refuseTangled(old, volume);
  const { names, recorded } = volume;
  const isPlain = names === 'plain';
  const rules = [
    ...(isPlain ? ['untranslated_names'] : []),
    // Loaders that read no other names know these by them.
    ...(!isPlain && [...recorded.values()].every(isShort) ? ['iso_9660_level=1'] : []),
    ...(descriptors.joliet === undefined ? [] : ['joliet_long_names', 'joliet_long_paths']),
  ];
  const options = [
    ...(names === 'rock ridge' ? [] : ['-rockridge', 'off']),
    ...(descriptors.joliet === undefined ? [] : ['-joliet', 'on']),
    ...(rules.length === 0 ? [] : ['-compliance', rules.join(':')]),
  ];
  const lost = [
    ...(descriptors.hasUdf ? ['UDF tree'] : []),
    ...(descriptors.hasEnhanced ? ['tree of ISO 9660:1999'] : []),
  ].map((tree) => `, and without its ${tree}, which xorriso does not write`);
  return {
    options,
    boot: await keepAppended(old, descriptors, volume),
    pathOf: (name) => (isPlain ? recorded.get(name) : undefined) ?? `/${name}`,
    lost: lost.join(''),
  };
}

/**
 * libisofs 1.5.4 reads a directory in itself for ever, and copies bytes that files share once for each of them: a damaged image of 22 MB became
 * one of 8 GB.
 */
function refuseTangled(old: InputFile, { parts, isTangled }: Volume): void {
  const places = new Map([...parts.values()].map(({ offset, size }) => [`${offset} ${size}`, size]));
  const size = [...places.values()].reduce((sum, own) => sum + alignUp(own, sectorSize), 0);
  if (!isTangled && size <= limitSize(old, 0)) return;
  const found = isTangled ? 'a directory that is in several places' : `files of ${size} bytes`;
  const message = `found ${found} in ${old.size} bytes: the ISO 9660 image is damaged, and xorriso is not started`;
  throw new MobyPatchError('invalid', 'wrapper-invalid', message, {
    path: old.name,
    hint: `get a whole copy; ${withoutXorriso}`,
  });
}

/** Bytes that a new image may have. */
function limitSize({ size }: InputFile, added: number): number {
  return 2 * size + added + usualGrowth;
}

/** Whether a path has names of 8 letters and an extension of 3, which is level 1 of the standard (ECMA-119, 10.1). */
function isShort(path: string): boolean {
  return path
    .split('/')
    .slice(1)
    .every((name) => /^[^.]{1,8}(?:\.[^.]{0,3})?(?:;\d+)?$/.test(name));
}

/** Undefined: it is written. */
async function run(
  { old, files, destination, signal }: XorrisoRequest,
  trees: Trees,
  more: readonly string[],
): Promise<{ readonly output: string; readonly error: MobyPatchError } | undefined> {
  const argv = [
    'xorriso',
    ...['-abort_on', 'FAILURE', '-return_with', 'FAILURE', '32'],
    // Names are no patterns, and those of the standard stay as they are recorded.
    ...['-iso_rr_pattern', 'off', '-ecma119_map', 'unmapped'],
    ...['-indev', `stdio:${old.path}`, '-outdev', `stdio:${destination}`],
    ...files.flatMap((file) => mapFile(file, trees)),
    ...[
      '-boot_image',
      'any',
      'replay',
      ...trees.boot,
      '-boot_image',
      'any',
      'gpt_disk_guid=volume_date_uuid',
    ],
    ...trees.options,
    ...more,
    ...['-volume_date', 'all_file_dates', 'set_to_mtime'],
    ...['-commit', '-end'],
  ];
  const sizes = await Promise.all(files.map(async ({ source }) => (await stat(source)).size));
  const limit = limitSize(
    old,
    sizes.reduce((sum, size) => sum + size, 0),
  );
  const watched = { path: destination, program: 'xorriso', name: old.name, limit, patience };
  using watch = watchOutput({ ...watched, hint: withoutXorriso, signal });
  // It answers SIGTERM only between two writes, and what it wrote is thrown away.
  const options = { signal: watch.signal, timeout: longest, grace: 100, package: 'xorriso' };
  const { exitCode, output } = await runProcess(argv, options);
  if (exitCode === 0) return undefined;
  const [reason] = /^xorriso : (?:FAILURE|FATAL|SORRY) : .*$/m.exec(output) ?? [];
  const error = new MobyPatchError('failed', 'wrapper-program', reason ?? `xorriso ended with ${exitCode}`, {
    path: old.name,
    hint: withoutXorriso,
  });
  return { output, error };
}

/** Keeps the mode, the owner and the date of the old file. */
function mapFile({ source, part: { name, mtime = 0, attributes } }: NewFile, { pathOf }: Trees): string[] {
  const path = pathOf(name);
  const { mode = 0o444, uid = 0, gid = 0 } = attributes ?? {};
  return [
    ...['-map', source, path, '-chmod', `0${mode.toString(8)}`, path, '--'],
    ...['-chown', `${uid}`, path, '--', '-chgrp', `${gid}`, path, '--'],
    ...['-alter_date', 'b-c', `=${mtime}`, path, '--'],
  ];
}

/** The dates of the primary volume descriptor (ECMA-119, 8.4.26) as options. */
async function readVolumeDates(file: InputFile): Promise<readonly string[]> {
  const start = 16 * sectorSize;
  const bytes = Buffer.from(await file.read(start, start + sectorSize));
  const places = { c: 813, m: 830, x: 847, f: 864 };
  const read = (at: number) => bytes.toString('latin1', at, at + 16);
  const options = Object.entries(places).flatMap(([type, at]) =>
    isDate(read(at)) ? ['-volume_date', type, read(at)] : [],
  );
  // xorriso derives the GUIDs of partitions from it.
  const modified = isDate(read(places.m)) ? read(places.m) : '1980010100000000';
  return [...options, '-volume_date', 'uuid', modified];
}

function isDate(text: string): boolean {
  return /^(?:19|20)\d{14}$/.test(text);
}
