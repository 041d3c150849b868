import { formatJson } from '../format/show-text.js';
import type { BuildRequest } from '../model/build.js';
import { MobyPatchError } from '../model/error/error.js';
import type { Image } from '../model/image/archive.js';
import type { Workspace } from '../model/patch/workspace.js';
import type { ImageRecord, KnownPatched } from '../model/result/record.js';
import { listPackages } from '../report/manifest.js';
import { showHazard } from '../verify/hazards/find-hazards.js';
import { describeRecord, findUnreadRecord, readRecord, recordPath } from '../verify/read-record.js';
import type { Run } from './run.js';

/** Puts what the image says of itself into it. */
export async function putRecord({ draft }: Run, image: Image, workspace: Workspace): Promise<void> {
  const report = draft.report();
  const earlier = await readRecord(image);
  const record: ImageRecord = {
    version: 1,
    input: image.layout.sha256,
    plan: report.plan?.id ?? '',
    patches: (report.plan?.patches ?? []).map(({ id, sha256, parameters }) => ({ id, sha256, parameters })),
    packages: listPackages(report),
    ...(earlier !== undefined && { earlier }),
  };
  const content = Buffer.from(`${formatJson(record)}\n`);
  await workspace.put({ path: recordPath, type: 'file', mode: 0o644, content });
}

/** Warns of a record that cannot be read. Error (`invalid`): `already-patched` for an image that has one of the patches already. */
export async function refuseTwice({ request, draft }: Run, image: Image): Promise<void> {
  if (request.again === true || request.patches.length === 0) return;
  const record = await readRecord(image);
  const unread = findUnreadRecord(image, record);
  if (unread !== undefined) draft.warn(showHazard(unread));
  const known = [
    ...(record === undefined ? [] : [describeRecord(record)]),
    ...(request.patched?.sha256 === image.layout.sha256 ? [request.patched] : []),
  ];
  for (const each of known) refuseKnown(request, each);
}

function refuseKnown({ patches, name }: BuildRequest, known: KnownPatched): void {
  const twice = patches.map(({ id }) => id).filter((id) => known.patches.includes(id));
  if (twice.length === 0) return;
  const by = known.by === 'record' ? `its ${recordPath}` : known.by;
  const which = twice.length === 1 ? 'the patch' : 'the patches';
  throw new MobyPatchError(
    'invalid',
    'already-patched',
    `the image has ${which} ${twice.join(', ')} already, as ${by} says`,
    {
      path: name,
      hint: `patch the stock image (sha256 ${known.input.slice(0, 16)}), or --again for a second time`,
    },
  );
}
