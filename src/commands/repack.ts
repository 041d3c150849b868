import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { type Command, Option } from 'commander';
import type { Spool } from '../io/spool.js';
import type { TreeDiff } from '../model/diff.js';
import { MobyPatchError } from '../model/error.js';
import type { Layout } from '../model/layout.js';
import type { Base } from '../repack/import/from-base.js';
import type { RepackOptions } from '../repack/write-image.js';
import { saveStandardInput } from '../setup/standard-input.js';
import { createTarError } from '../tar/tar-header.js';
import { type CommandContext, createReader } from './shared/context.js';
import { guard } from './shared/errors.js';
import { parseLevel } from './shared/options.js';
import { assertOneOutput, printData, printJson, printLines } from './shared/print.js';

interface Flags {
  readonly output: string;
  readonly compression?: string;
  readonly level?: number;
  readonly singleMember?: boolean;
  readonly sidecar?: string;
  readonly original?: string;
  readonly json?: boolean;
}

export function addRepackCommand(program: Command, context: CommandContext): void {
  program
    .command('repack')
    .description(
      'make an image of a folder or tar; of one that unpack wrote, the same image with its changes',
    )
    .argument('<place>', 'a folder, a tar, or - for a tar on standard input')
    .requiredOption('-o, --output <file>', 'where the image goes, - for standard output')
    .option('--compression <codec>', 'of the archive that brings /init; default: what it had, or gzip')
    .option('--level <number>', 'of the compression', parseLevel)
    .option('--single-member', 'every compressed archive as one member, for a loader that reads no more')
    .addOption(new Option('--sidecar <file>', 'default: FOLDER.moby-patch.jsonl, where unpack puts it'))
    .option('--original <image>', 'the image that was unpacked: what is not changed is copied from it')
    .option('--json', 'what was written, as JSON on standard output')
    .action(guard(context, (place: string, flags: Flags) => runRepack(place, flags, context)));
}

async function runRepack(place: string, flags: Flags, context: CommandContext): Promise<void> {
  const { signal } = context;
  assertOneOutput(flags, 'give a file: -o FILE');
  const { parseCodec } = await import('../setup/build-request.js');
  const { createOutput } = await import('../io/output.js');
  const { createScratch } = await import('../io/scratch.js');
  const { createSpool } = await import('../io/spool.js');
  const { openImage } = await import('../unpack/open-image.js');
  const { checkOutput } = await import('../verify/check-output.js');
  const codec = parseCodec(flags.compression);
  await using scratch = await createScratch();
  const spool = createSpool(scratch.path);
  const base = await openPlace(place, flags, scratch.path, spool, context);
  const isStreamed = flags.output === '-';
  const destination = isStreamed ? join(scratch.path, 'output.img') : resolve(context.folder, flags.output);
  await using output = await writeOutput(base, {
    codec,
    level: flags.level,
    single: flags.singleMember,
    spool,
  });
  await using written = await openImage(output.path, { signal, limits: context.limits, name: flags.output });
  const diff = await checkOutput(base.image, written, base.changes);
  if (isStreamed) for await (const piece of createReadStream(output.path)) await printData(context, piece);
  else {
    await output.publish();
    await show({ output: destination, ...written.layout, diff }, flags, context);
  }

  async function writeOutput(from: Base, options: RepackOptions) {
    if (flags.original === undefined) {
      const { writeBase } = await import('../repack/import/from-write.js');
      return createOutput(destination, writeBase(from, options), signal);
    }
    const { openNamedImage } = await import('../setup/named-image.js');
    const { writeImage } = await import('../repack/write-image.js');
    await using original = await openNamedImage(flags.original, createReader(context), {
      input: context.stdin,
    });
    if (original.layout.sha256 !== from.sidecar.image.sha256)
      throw new MobyPatchError('invalid', 'original-differs', 'this is not the image that was unpacked', {
        path: flags.original,
        hint: `the one that was is called ${from.sidecar.image.name}, sha256 ${from.sidecar.image.sha256}`,
      });
    return await createOutput(destination, writeImage(original, from.changes, options), signal);
  }
}

async function openPlace(
  place: string,
  flags: Flags,
  scratch: string,
  spool: Spool,
  context: CommandContext,
): Promise<Base> {
  const { createBase, createEmptySidecar } = await import('../repack/import/from-base.js');
  const path = place === '-' ? join(scratch, 'stdin.tar') : resolve(context.folder, place);
  if (place === '-') await saveStandardInput(context.stdin, { path, refuse: refuseTarStart }, context);
  const isFolder = await stat(path).then(
    (found) => found.isDirectory(),
    (cause: NodeJS.ErrnoException) => {
      const message = `cannot open it: ${cause.code}`;
      throw new MobyPatchError('invalid', 'input-unreadable', message, { path: place, cause });
    },
  );
  if (!isFolder) {
    const { findInTar } = await import('../repack/import/from-tar.js');
    const { found, sidecar } = await findInTar(path, place, spool, context.signal).catch((error) => {
      throw explainTar(error, place);
    });
    if (sidecar === undefined) warn(context, place, 'it has no sidecar');
    return createBase(sidecar ?? createEmptySidecar(place), found);
  }
  const { sidecarSuffix } = await import('../format/sidecar.js');
  const { findInFolder } = await import('../repack/import/from-folder.js');
  const { readSidecarFile } = await import('../repack/import/from-sidecar.js');
  const beside =
    flags.sidecar === undefined ? `${path}${sidecarSuffix}` : resolve(context.folder, flags.sidecar);
  const isThere = flags.sidecar !== undefined || (await stat(beside).catch(() => undefined)) !== undefined;
  if (!isThere) warn(context, place, `there is no ${beside}`);
  const sidecar = isThere ? await readSidecarFile(beside, spool) : createEmptySidecar(place);
  return createBase(sidecar, await findInFolder(path, context.signal));
}

/** A header has a checksum of all of it in octal digits; zeros are a tar of nothing. */
function refuseTarStart(start: Uint8Array): MobyPatchError | undefined {
  const digits = Buffer.from(start.subarray(148, 156)).toString('latin1');
  const isStart = /^[0-7 \0]{8}$/.test(digits) || start.every((byte) => byte === 0);
  if (start.length === 512 && isStart) return undefined;
  return createTarError('tar-header', 'found no tar on standard input', 0);
}

/** What reads a tar knows neither its name nor what else the user could have meant. */
function explainTar(error: unknown, place: string): unknown {
  if (!(error instanceof MobyPatchError) || !/^tar-(header|truncated|type)$/.test(error.code)) return error;
  const { kind, code, message, offset, cause } = error;
  const hint = 'give a folder or an uncompressed tar, as moby-patch unpack writes them';
  return new MobyPatchError(kind, code, message, { path: place, offset, hint, cause });
}

/** Not an error: a root file system from anywhere makes an image too. */
function warn(context: CommandContext, place: string, why: string): void {
  context.stderr.write(
    `moby-patch: ${place} is taken for no image's, since ${why}: one new archive is made of what is there\n`,
  );
}

async function show(
  written: Layout & { readonly output: string; readonly diff: TreeDiff },
  flags: Flags,
  context: CommandContext,
): Promise<void> {
  if (flags.json) return printJson(context, written);
  const { output, size, sha256, diff } = written;
  await printLines(context, [
    `${output}: ${size} bytes, sha256 ${sha256}`,
    `${diff.added} added, ${diff.changed} changed, ${diff.removed} removed since it was unpacked`,
  ]);
}
