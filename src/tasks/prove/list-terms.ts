import { createHash } from 'node:crypto';
import type { CachePart } from '../../io/cache.js';
import { digestBytes } from '../../io/digest.js';
import { openInputFile } from '../../io/file/input-file.js';
import { streamRegular } from '../../io/file/regular-file.js';
import type { BuildRequest } from '../../model/build.js';
import type { PlanReport } from '../../model/result/report.js';
import { version } from '../../version.js';
import { digestPart } from '../../wrapper/copy-part.js';
import { partOf } from '../../wrapper/open-wrapper.js';

/**
 * All that decides what a build writes and what its boot says: the program, the plan, the kernel, the terms of the boot and the form
 * of what is written. `kernels`: digests of kernels and disks that were read already.
 */
export async function listTerms(
  plan: PlanReport,
  request: BuildRequest,
  kernels: Map<string, string>,
): Promise<readonly CachePart[]> {
  const {
    verify,
    codec = '',
    level = -1,
    mode = '',
    single = false,
    dataAlign = 0,
    record = false,
  } = request;
  const written = [codec, level, mode, String(single), dataAlign, String(record)];
  if (verify === undefined) return [version, plan.id, '', '', written];
  const { kernel, disks = [], ...terms } = verify;
  const place = verify.kernelIsPart ? `${request.image}#${kernel}` : kernel;
  const digest = await remember(kernels, place, () => digestKernel(request, kernel));
  const digests = [];
  for (const path of disks)
    digests.push(await remember(kernels, path, () => digestBytes(streamRegular(path))));
  const boot = createHash('sha256')
    .update(JSON.stringify([terms, digests]))
    .digest('hex');
  return [version, plan.id, digest, boot, written];
}

async function remember(
  known: Map<string, string>,
  place: string,
  read: () => Promise<string>,
): Promise<string> {
  const digest = known.get(place) ?? (await read());
  known.set(place, digest);
  return digest;
}

/** Of a file, or of the part of the wrapper. */
async function digestKernel({ wrapped, verify }: BuildRequest, kernel: string): Promise<string> {
  if (wrapped === undefined || verify?.kernelIsPart !== true) return digestBytes(streamRegular(kernel));
  await using file = await openInputFile(wrapped.path);
  return await digestPart(file, partOf(wrapped.wrapper, kernel));
}
