import { basename } from 'node:path';
import { formatJson } from '../format/show-text.js';
import { digestBytes } from '../io/digest.js';
import { streamRegular } from '../io/file/regular-file.js';
import { replaceFile } from '../io/place/output.js';
import type { statementEndings } from '../io/place/written-files.js';
import type { FileAccess } from '../model/access.js';
import type { BuildRequest } from '../model/build.js';
import type { Image } from '../model/image/archive.js';
import type { Manifest } from '../model/result/manifest.js';
import { version } from '../version.js';
import type { Run } from './run.js';

export interface StatementRequest {
  readonly manifest: Manifest;
  readonly written: Image;
  /** Who may read them. */
  readonly inputs: readonly FileAccess[];
}

/** Writes provenance, verdict and bill of materials beside the output. */
export async function writeStatements(
  { draft, request, redaction }: Run,
  { manifest, written, inputs }: StatementRequest,
): Promise<void> {
  const { createProvenance, createVerdict } = await import('../report/provenance.js');
  const { createSbom } = await import('../report/sbom.js');
  const { listPackages } = await import('../verify/packages/list-packages.js');
  const { describeSystem } = await import('../verify/describe-system.js');
  const { os } = await describeSystem(written);
  const { packages, unread } = await listPackages(written);
  const isIncomplete = unread.length > 0;
  const statements: Record<(typeof statementEndings)[number], unknown> = {
    'provenance.json': createProvenance({ manifest, version, packages, os: os?.id }),
    'verdict.json': createVerdict({ manifest, report: draft.report(), ...(await digestMachine(request)) }),
    'cdx.json': createSbom({ manifest, version, packages, isIncomplete, os: os?.id }),
  };
  for (const [ending, value] of Object.entries(statements)) {
    if (value === undefined) continue;
    const text = `${formatJson(redaction.value(value))}\n`;
    await replaceFile(`${request.output}.${ending}`, text, inputs);
  }
  if (isIncomplete)
    draft.warn(`the packages of ${unread.join(', ')} are not in the bill of materials: it is binary`);
}

/** What the image was booted with. */
async function digestMachine({ verify }: BuildRequest) {
  if (verify === undefined) return {};
  const disks = [];
  for (const path of verify.disks ?? []) disks.push(await digest(path));
  return { kernel: await digest(verify.kernel, verify.kernelName), disks };
}

async function digest(path: string, name = path) {
  return { name: basename(name), sha256: await digestBytes(streamRegular(path)) };
}
