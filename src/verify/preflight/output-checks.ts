import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { assertAlignable, chooseSettings, writeMembers } from '../../compress/compression.js';
import { createPieces } from '../../compress/piece.js';
import { exists } from '../../io/file/exists.js';
import { assertSpace, type SpaceNeed } from '../../io/file/free-space.js';
import { assertFolderWritable } from '../../io/file/split-file.js';
import { assertWritable } from '../../io/place/output.js';
import { type BuildRequest, isAppending } from '../../model/build.js';
import type { Archive } from '../../model/image/archive.js';
import type { Codec, Compression, Segment } from '../../model/image/layout.js';
import { isRootKind } from '../../model/image/wrapper.js';
import type { Check } from './run-checks.js';

export interface OutputCheckOptions {
  readonly image: Archive;
  readonly signal: AbortSignal;
  readonly request: Pick<
    BuildRequest,
    | 'output'
    | 'makesFolder'
    | 'split'
    | 'files'
    | 'codec'
    | 'dataAlign'
    | 'level'
    | 'verify'
    | 'as'
    | 'wrapped'
  >;
  /** Whether anything is compressed anew. */
  readonly changes: boolean;
  /** Bytes of the files that the patches bring. */
  readonly payload: number;
  /** Bytes of an ISO or a UKI that is written around the new image. */
  readonly around?: number | undefined;
  /** Bytes that commands take in the folder for temporary files. */
  readonly work: number;
}

/** What writing the output needs: a codec and level that exist, a folder that can be written to, room. */
export function listOutputChecks(options: OutputCheckOptions): Check[] {
  const { image, request, changes, signal } = options;
  return [
    { name: 'compression', look: () => checkCompression(image, request, { changes, signal }) },
    request.split ? createFolderCheck(request.output) : createWritableCheck(request.output, image, request),
    { name: 'space', look: () => assertSpace(listNeeds(options)) },
  ];
}

/** `makesFolder`: its folder is made where there is none. Errors: those of `assertWritable`. */
export function createWritableCheck(
  file: string,
  { access }: Archive,
  { makesFolder = false }: Pick<BuildRequest, 'makesFolder'> = {},
): Check {
  return {
    name: 'output',
    async look() {
      const place = makesFolder ? await findExisting(file) : file;
      await assertWritable(place, access ? [access] : []);
      return `${dirname(place)} can be written to`;
    },
  };
}

/** The file in the nearest folder above it that exists. */
async function findExisting(file: string): Promise<string> {
  let folder = dirname(file);
  while (folder !== dirname(folder) && !(await exists(folder))) folder = dirname(folder);
  return join(folder, basename(file));
}

function createFolderCheck(folder: string): Check {
  return {
    name: 'output',
    async look() {
      await assertFolderWritable(folder);
      return `${folder} can be written to`;
    },
  };
}

/** Errors: `level-invalid`, `program-missing`, `compression-failed`: codecs other than gzip are tried. */
async function checkCompression(
  image: Archive,
  request: OutputCheckOptions['request'],
  { changes, signal }: Pick<OutputCheckOptions, 'changes' | 'signal'>,
): Promise<string | undefined> {
  const old = findRoot(image)?.compression ?? { codec: 'none' };
  const codec = request.codec ?? old.codec;
  const compression: Compression = codec === old.codec ? old : { codec };
  const settings = chooseSettings(compression, request.level);
  if (request.dataAlign !== undefined) assertAlignable(codec);
  if (!changes) return undefined;
  const { wrapped, as } = request;
  // What is made of a file system is an archive on the way alone.
  if (wrapped !== undefined && isRootKind(wrapped.wrapper.kind) && !isAppending(as))
    return [wrapped.wrapper.compression, 'as in the file system'].filter(Boolean).join(', ');
  if (codec === 'none') return 'not compressed';
  if (codec !== 'gzip') await drain(writeMembers(createPieces(nothing()), { ...settings, codec, signal }));
  const isBest = request.level === undefined && compression.codec === codec && compression.level === 'best';
  return `${codec}, level ${settings.level}${isBest ? ", as small as the image's gzip -9" : ''}`;
}

async function* nothing(): AsyncGenerator<Uint8Array, void, void> {}

async function drain(bytes: AsyncGenerator<Uint8Array, unknown, void>): Promise<void> {
  for await (const _ of bytes);
}

function listNeeds({ image, request, payload, around = 0, work }: OutputCheckOptions): SpaceNeed[] {
  const bytes = estimateOutput(image, request.codec, payload);
  // The boot reads a copy with the probe behind it.
  const boot = request.verify === undefined ? 0 : bytes;
  return [
    { folder: dirname(request.output), bytes, what: 'the new image' },
    { folder: dirname(request.output), bytes: around, what: 'the file around it' },
    { folder: dirname(request.output), bytes: request.split ? bytes : 0, what: 'its single files' },
    { folder: tmpdir(), bytes: boot, what: 'its copy for the boot' },
    { folder: tmpdir(), bytes: work, what: 'the root in which commands run' },
  ];
}

/** Rather too little than too much: what is compressed anew is taken to stay as small as it was. */
function estimateOutput(image: Archive, wanted: Codec | undefined, payload: number): number {
  const root = findRoot(image);
  const codec = wanted ?? root?.compression.codec;
  const measure = (segment: Segment) =>
    segment === root && codec === 'none' ? segment.unpacked : segment.end - segment.offset;
  const sizes = image.layout.segments.map(measure);
  return sizes.reduce((sum, size) => sum + size, codec === 'none' ? payload : 0);
}

const findRoot = ({ layout }: Archive): Segment | undefined => layout.segments[layout.root];
