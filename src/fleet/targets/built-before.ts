import { parseJson } from '../../format/parse-json.js';
import { cacheEntry } from '../../io/cache.js';
import { digestBytes } from '../../io/digest.js';
import { streamRegular } from '../../io/file/regular-file.js';
import type { BuildRequest } from '../../model/build.js';
import type { Cache, CacheEntry } from '../../model/cache.js';
import type { Manifest } from '../../model/result/manifest.js';
import { readManifest } from '../../setup/lock-file.js';

/** What an earlier build left in its place. */
export interface BuiltBefore {
  readonly sha256: string;
  readonly size: number;
  readonly verdict: Manifest['verdict'];
}

/** What a build of this identity wrote, if it still stands where it was written; undefined otherwise. */
export async function findBuilt(
  identity: string,
  { output, split }: BuildRequest,
  cache: Cache,
): Promise<BuiltBefore | undefined> {
  if (split) return undefined;
  const bytes = await entryOf(identity, cache).read();
  const known = bytes && parseJson(Buffer.from(bytes).toString('utf8'));
  if (!isBuilt(known)) return undefined;
  const manifest = await readManifest(`${output}.manifest.json`).catch(() => undefined);
  if (manifest?.output.sha256 !== known.sha256 || manifest.verdict !== known.verdict) return undefined;
  const found = await digestBytes(streamRegular(output)).catch(() => undefined);
  return found === known.sha256 ? known : undefined;
}

/** A build that got a secret is not remembered: its value is in no identity. */
export async function rememberBuilt(
  identity: string,
  { secrets = [] }: BuildRequest,
  { built, cache }: { readonly built: BuiltBefore; readonly cache: Cache },
): Promise<void> {
  if (secrets.length > 0) return;
  await entryOf(identity, cache).write(Buffer.from(JSON.stringify(built)));
}

function entryOf(identity: string, cache: Cache): CacheEntry {
  return cacheEntry(cache, 'built', 1, identity);
}

function isBuilt(value: unknown): value is BuiltBefore {
  const { sha256, size, verdict } = (value ?? {}) as Readonly<Record<string, unknown>>;
  return (
    typeof sha256 === 'string' &&
    Number.isSafeInteger(size) &&
    (verdict === 'passed' || verdict === 'not booted')
  );
}
