import type { StepOutcome } from '../../../model/patch/patch.js';
import type { Workspace } from '../../../model/patch/workspace.js';
import type { StepContext } from '../step-context.js';
import { editFile, readTextFile } from '../text-file.js';
import { putIfDifferent, readText, unchanged } from '../workspace-files.js';
import type { Certificate } from './certificates.js';

interface Folder {
  readonly path: string;
  readonly ending: string;
}

/** Where a distribution's own program looks when it makes the store again; Debian's and Alpine's is the usual one. */
const folders: readonly Folder[] = [
  { path: 'etc/pki/ca-trust/source/anchors', ending: '.pem' },
  { path: 'etc/pki/trust/anchors', ending: '.pem' },
];

export async function chooseFolder(workspace: Workspace): Promise<Folder> {
  for (const folder of folders)
    if ((await workspace.follow(folder.path))?.type === 'directory') return folder;
  return { path: 'usr/local/share/ca-certificates', ending: '.crt' };
}

const usualBundle = 'etc/ssl/certs/ca-certificates.crt';
const bundles: readonly string[] = [
  usualBundle,
  'etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem',
  'etc/pki/tls/certs/ca-bundle.crt',
  'etc/pki/tls/cert.pem',
  'etc/ssl/cert.pem',
  'etc/ssl/ca-bundle.pem',
  'var/lib/ca-certificates/ca-bundle.pem',
];

/** Appends certificates to each bundle that lacks them. An image without any gets the one that most programs read. */
export async function addToBundles(
  workspace: Workspace,
  context: StepContext,
  certificates: readonly Certificate[],
): Promise<StepOutcome> {
  const paths = new Set<string>();
  for (const path of bundles) {
    const entry = await workspace.follow(path);
    if (entry?.type === 'file') paths.add(entry.path);
  }
  const notes = paths.size > 0 ? [] : [`found no bundle in the image: ${usualBundle} is new`];
  const texts = new Map<string, string>();
  for (const path of paths.size > 0 ? paths : [usualBundle])
    texts.set(path, (await readTextFile(workspace, context, path)) ?? '');
  let changed = false;
  for (const path of texts.keys()) {
    const edit = (text: string) => addMissing(text, certificates);
    changed = (await editFile(workspace, context, { path, edit })).changed || changed;
  }
  return { changed, ...(changed && notes.length > 0 && { notes }) };
}

function addMissing(text: string, certificates: readonly Certificate[]): string {
  const known = text.replace(/\s+/g, '');
  const missing = certificates.filter(({ pem }) => !known.includes(pem.replace(/\s+/g, '')));
  const start = text === '' || text.endsWith('\n') ? text : `${text}\n`;
  return missing.length === 0 ? text : start + missing.map(({ pem }) => pem).join('');
}

const hashFolder = 'etc/ssl/certs';

/** The links of openssl-rehash(1), where the image has such links: NAME.pem to the file, and HASH.N to NAME.pem. */
export async function linkByHash(
  workspace: Workspace,
  { hash, pem }: Certificate,
  { base, path }: { readonly base: string; readonly path: string },
): Promise<StepOutcome> {
  const names = await workspace.list(hashFolder);
  if (!names.some((name) => /^[0-9a-f]{8}\.\d+$/.test(name))) return unchanged;
  let number = 0;
  for (; names.includes(`${hash}.${number}`); number += 1) {
    const there = await readText(workspace, `${hashFolder}/${hash}.${number}`);
    if (there?.replace(/\s+/g, '').includes(pem.replace(/\s+/g, ''))) return unchanged;
  }
  const named = { path: `${hashFolder}/${base}.pem`, type: 'symlink', target: `/${path}` } as const;
  const hashed = { path: `${hashFolder}/${hash}.${number}`, type: 'symlink', target: `${base}.pem` } as const;
  const outcomes = [await putIfDifferent(workspace, named), await putIfDifferent(workspace, hashed)];
  return { changed: outcomes.some(({ changed }) => changed) };
}
