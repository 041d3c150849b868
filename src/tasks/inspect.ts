import { resolve } from 'node:path';
import { parseBootconfig } from '../format/bootconfig/bootconfig-parser.js';
import type { Layout, LayoutFile } from '../model/image/layout.js';
import type { WrappedImage } from '../model/image/wrapper.js';
import type { ImageRecord, KnownPatched } from '../model/result/record.js';
import type { ReadingSession } from '../model/session.js';
import type { InspectedWrapper, Inspection } from '../report/inspection.js';
import { findPatched } from '../setup/find-patched.js';
import { type ImageName, isDiskImage, type NamedImage, openNamedImage } from '../setup/named-image.js';
import { describeEarly } from '../verify/describe-early.js';
import { describeSystem } from '../verify/describe-system.js';
import { findHazards, isBootFile } from '../verify/hazards/find-hazards.js';
import { describeRecord, findUnreadRecord, readRecord } from '../verify/read-record.js';

export interface InspectRequest {
  /** A file, the id of an image definition, or `-` for `input`; several files that are one image. */
  readonly image: ImageName;
  readonly input?: NodeJS.ReadableStream | undefined;
  /** A kernel with its configuration inside, or a config-* file: can it unpack the image? */
  readonly kernel?: string | undefined;
  /** MiB of the machine that boots the image: is it enough? */
  readonly memory?: number | undefined;
}

export interface Inspected {
  /** What messages call the image. */
  readonly name: string;
  readonly inspection: Inspection;
}

/**
 * Describes an image: its layout, the system in it, and what would keep it from booting. Errors: those of `openImage`,
 * `image-unknown` and, of the kernel, `kernel-unreadable` (`invalid`).
 */
export async function inspect(request: InspectRequest, session: ReadingSession): Promise<Inspected> {
  const { input, memory } = request;
  const options = { hold: isBootFile, input };
  await using image = await openNamedImage(request.image, session, options);
  const record = await readRecord(image);
  const patched = await findKnown(image, record, request, session);
  const kernelConfig = await readConfig(request.kernel, session);
  const files = image.layout.files?.map((file) => ({ ...file, segments: listOwn(image.layout, file) }));
  const early = describeEarly(image);
  const hazards = await findHazards(image, { kernelConfig, memory, isDisk: isDiskImage(image) });
  const unread = findUnreadRecord(image, record);
  const inspection = {
    ...image.layout,
    ...(image.wrapped && { wrapper: describeWrapper(image.wrapped) }),
    files,
    system: await describeSystem(image),
    ...(early.length > 0 && { early }),
    ...(image.bootconfig !== undefined && { bootconfig: describeBootconfig(image.bootconfig) }),
    ...(patched !== undefined && { patched }),
    hazards: unread === undefined ? hazards : [...hazards, unread],
    dropped: image.dropped.map(({ record, reason }) => ({
      name: record.name,
      segment: record.segment,
      reason,
    })),
  };
  return { name: image.name, inspection };
}

/** By what the image says itself, and the manifest beside it: a later build may have left no record. */
async function findKnown(
  image: NamedImage,
  record: ImageRecord | undefined,
  request: InspectRequest,
  session: ReadingSession,
): Promise<KnownPatched | undefined> {
  const own = record && describeRecord(record);
  const beside = await findBeside(image, request, session);
  if (own === undefined || beside === undefined) return own ?? beside;
  const added = beside.patches.filter((id) => !own.patches.includes(id));
  if (added.length === 0) return own;
  return { ...own, by: beside.by, patches: [...own.patches, ...added] };
}

async function findBeside(
  image: NamedImage,
  { image: name }: InspectRequest,
  { places }: ReadingSession,
): Promise<KnownPatched | undefined> {
  const [file = '', ...more] = [name].flat();
  if (more.length > 0 || file === '-') return undefined;
  const { patched } = await findPatched(image.wrapped?.path ?? resolve(places.folder, file));
  if (patched === undefined || patched.sha256 !== image.layout.sha256) return undefined;
  const { by: _, ...known } = patched;
  return { by: `${file}.manifest.json`, patches: known.patches, input: known.input };
}

function describeWrapper({ wrapper, boot }: WrappedImage): InspectedWrapper {
  const { kind, title, boots, compression, notes = [] } = wrapper;
  // What is told is where the bytes are, and not how a build treats them.
  const parts = [...wrapper.parts.values()].map(
    ({ obstacle: _, follows: __, sums: ___, within: ____, ...part }) => part,
  );
  return {
    ...{ kind, title, part: boot.initrd, parts, boots },
    ...(compression !== undefined && { compression }),
    ...(notes.length > 0 && { notes }),
  };
}

/** The indexes of the segments in a file. */
function listOwn({ segments }: Layout, file: LayoutFile): number[] {
  return [...segments.entries()].flatMap(([index, { offset, end }]) =>
    offset >= file.offset && end <= file.end ? [index] : [],
  );
}

function describeBootconfig(text: string) {
  const parsed = parseBootconfig(text);
  return { keys: 'problem' in parsed ? null : Object.fromEntries(parsed.keys), text };
}

async function readConfig(kernel: string | undefined, { places, log }: ReadingSession) {
  if (kernel === undefined) return undefined;
  const { readKernelConfig } = await import('../verify/hazards/kernel-config.js');
  const config = await readKernelConfig(resolve(places.folder, kernel));
  if (config === undefined)
    log(`moby-patch: ${kernel} has no configuration inside (CONFIG_IKCONFIG); give config-* instead`);
  return config;
}
