/**
 * Looks into an initrd, builds it with a patch, boots the result and lists what is new in it:
 *
 *     node build-and-boot.js IMAGE PATCH_FOLDER KERNEL OUTPUT
 */
import { readFile } from 'node:fs/promises';
import { gunzipSync } from 'node:zlib';
import {
  build,
  createBuildRequest,
  createSession,
  diff,
  entries,
  inspect,
  MobyPatchError,
  type ProgressEvent,
  verify,
} from 'moby-patch';
import { createCpioReader, decodePath } from 'moby-patch/cpio';

const [image = '', patch = '', kernel = '', output = ''] = process.argv.slice(2);

const onProgress = (event: ProgressEvent) => {
  if (event.kind === 'stage') console.error(`stage ${event.stage}`);
};
await using session = createSession({ signal: AbortSignal.timeout(300_000), cache: false, onProgress });

export const inspected = await inspect({ image }, session);
console.log(`${inspected.name}: ${inspected.inspection.segments.length} segments`);

const request = await createBuildRequest(
  { image, patches: [patch], output, verify: false, config: false },
  session,
);
export const built = await build(request, session);
if (built.error !== undefined) throw built.error;
console.log(`built ${built.report.after?.size} bytes`);

export const booted = await verify({ image: output, kernel, accelerator: 'tcg' }, session);
if (booted.error !== undefined) throw booted.error;
console.log(`boot ${booted.report.boot?.verdict}`);

export const changes = await diff({ before: image, after: output, text: false }, session);
const added = changes.differences.filter(({ kind }) => kind === 'added').map(({ path }) => path);
for (const path of added) console.log(`added ${path}`);

for await (const entry of entries({ image: output }, session)) {
  if (entry.path !== added[0]) continue;
  for await (const piece of entry.body()) process.stdout.write(piece);
}

const reader = createCpioReader();
export const names: string[] = [];
for (const token of reader.push(gunzipSync(await readFile(image)))) {
  if (token.kind === 'entry') names.push(decodePath(token.name));
}
console.log(`${names.length} records`);

try {
  await inspect({ image: '/nonexistent' }, session);
} catch (error) {
  if (error instanceof MobyPatchError) console.log(`refused ${error.code}`);
}
