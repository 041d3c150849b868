import { createByteSearch } from '../format/byte-search.js';
import { showPath } from '../format/path.js';
import { listForms } from '../format/secret-forms.js';
import { MobyPatchError } from '../model/error/error.js';
import type { Archive } from '../model/image/archive.js';
import type { ArchiveRecord } from '../model/image/layout.js';
import type { Secret, StoredSecret } from '../model/patch/secret.js';
import { resolvePath } from '../tree/resolve.js';

/** Places that a message names. */
const mostPlaces = 5;

/**
 * Refuses an image with a secret in a body, a name or the target of a link, also in a record that a later one hides.
 * `stores`: what may be there. Error (`failed`): `secret-in-image`.
 */
export async function refuseSecrets(
  image: Archive,
  secrets: readonly Secret[],
  stores: readonly StoredSecret[],
): Promise<void> {
  if (secrets.length === 0) return;
  const search = createSearch(secrets);
  const found: Finding[] = [];
  const note = (secrets: Iterable<Secret>, record: ArchiveRecord, where: string) => {
    for (const secret of secrets)
      if (!isStored(image, stores, secret, record)) found.push({ secret, record, where });
  };
  for (const record of image.records) note(search(Buffer.from(record.name)), record, 'name');
  for (const { target, record } of image.entries.values())
    if (target !== undefined) note(search(Buffer.from(target)), record, 'target');
  const bodies = new Set(image.records.filter(({ header }) => header.filesize > 0));
  for await (const [record, body] of image.bodies(bodies)) {
    const scan = createScan(search);
    for await (const piece of body) scan.push(piece);
    note(scan.found, record, 'contents');
  }
  if (found.length > 0) throw createError(image, found);
}

interface Finding {
  readonly secret: Secret;
  readonly record: ArchiveRecord;
  readonly where: string;
}

type Search = ((bytes: Uint8Array) => Secret[]) & { readonly longest: number };

/** Looks for all forms of all secrets; the bytes are to have no line breaks. */
function createSearch(secrets: readonly Secret[]): Search {
  const needles = secrets.flatMap((secret) =>
    listForms(secret.value).map((form) => ({ secret, bytes: Buffer.from(form) })),
  );
  const find = createByteSearch(needles.map(({ bytes }) => bytes));
  const search = (bytes: Uint8Array) => {
    const found = find(bytes);
    return [...new Set(needles.flatMap(({ secret }, index) => (found.has(index) ? [secret] : [])))];
  };
  return Object.assign(search, { longest: Math.max(...needles.map(({ bytes }) => bytes.length)) });
}

/** Also finds what two pieces hold together. */
function createScan(search: Search) {
  const found = new Set<Secret>();
  let end: Buffer = Buffer.alloc(0);
  return {
    found,
    push(piece: Uint8Array) {
      const bytes = Buffer.concat([end, joinLines(piece)]);
      for (const secret of search(bytes)) found.add(secret);
      end = bytes.subarray(Math.max(0, bytes.length - search.longest + 1));
    },
  };
}

const lineFeed = 10;
const carriageReturn = 13;

function joinLines(piece: Uint8Array): Uint8Array {
  if (!piece.includes(lineFeed) && !piece.includes(carriageReturn)) return piece;
  // `filter` would call a function for each byte, which takes fifty times as long.
  const joined = new Uint8Array(piece.length);
  let size = 0;
  for (let at = 0; at < piece.length; at += 1) {
    const byte = piece[at] ?? 0;
    if (byte === lineFeed || byte === carriageReturn) continue;
    joined[size] = byte;
    size += 1;
  }
  return joined.subarray(0, size);
}

function isStored(
  image: Archive,
  stores: readonly StoredSecret[],
  { patch, name }: Secret,
  record: ArchiveRecord,
): boolean {
  const path = image.placed.get(record)?.path;
  return stores.some((stored) => {
    if (stored.patch !== patch || stored.name !== name) return false;
    if (stored.paths === undefined) return true;
    return stored.paths.some(
      (wanted) => path === (resolvePath((at) => image.entries.get(at), wanted, true) ?? wanted),
    );
  });
}

function createError(image: Archive, found: readonly Finding[]): MobyPatchError {
  const places = found.map(
    ({ secret, record, where }) => `${secret.name} in the ${where} of ${showPath(record.name)}`,
  );
  const more = places.length > mostPlaces ? `, and ${places.length - mostPlaces} more` : '';
  return new MobyPatchError(
    'failed',
    'secret-in-image',
    `the new image holds secrets that no step stores in it: ${places.slice(0, mostPlaces).join(', ')}${more}`,
    {
      path: image.name,
      hint: 'take it out in the step that wrote it; if the image is to hold it, write stores-secret: true in that step',
    },
  );
}
