import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { readRegular } from '../../io/file/regular-file.js';
import type { Patch } from '../../model/patch/patch.js';
import type { Problem } from '../../yaml/problems.js';
import { stepDefinitions } from '../steps/registry.js';
import { fitValue } from './fit-value.js';
import { listDefaults } from './parameters.js';
import { findPlaceholders, walkStrings } from './placeholders.js';
import { nameVariable } from './variables.js';

/** Parameters and files of the folder that no step of the patch uses. */
export async function findUnused(patch: Patch): Promise<Problem[]> {
  const files = await listFiles(patch.folder);
  return [...(await findUnusedParameters(patch, files)), ...findUnusedFiles(patch, files)];
}

const mostFiles = 2000;
/** Bytes. */
const largestText = 2 ** 20;

/** The files of a patch folder, from there; undefined for a folder with too many. */
async function listFiles(folder: string): Promise<readonly string[] | undefined> {
  const files: string[] = [];
  const waiting = [''];
  for (let at = waiting.pop(); at !== undefined; at = waiting.pop()) {
    const entries = await readdir(join(folder, at), { withFileTypes: true }).catch(() => []);
    for (const entry of entries) {
      const path = at === '' ? entry.name : `${at}/${entry.name}`;
      if (entry.isDirectory()) waiting.push(path);
      else files.push(path);
    }
    if (files.length > mostFiles) return undefined;
  }
  return files.sort();
}

async function findUnusedParameters(patch: Patch, files: readonly string[] | undefined): Promise<Problem[]> {
  const names = Object.keys(patch.parameters);
  if (names.length === 0 || files === undefined) return [];
  const written = JSON.stringify([patch.steps, patch.expects, patch.when]);
  const texts = [written];
  for (const file of files) texts.push(await readText(join(patch.folder, file)));
  // The declaration in patch.yaml is no use: its own text is looked at as values.
  const isUsed = (name: string) =>
    texts.some((text, index) => files[index - 1] !== 'patch.yaml' && uses(text, name));
  return names.flatMap((name): Problem[] => {
    if (isUsed(name)) return [];
    const at = patch.parameters[name]?.at ?? { file: patch.file, line: 1, column: 1 };
    return [{ at, code: 'parameter-unused', text: `found the parameter ${name}, which nothing uses` }];
  });
}

/** As a placeholder, as a variable of a script, or by its name in a list of secrets or a condition. */
function uses(text: string, name: string): boolean {
  const variable = nameVariable(name);
  return (
    new RegExp(`\\$\\{?${variable}\\b`).test(text) ||
    text.includes(`"${name}"`) ||
    new RegExp(`\\$\\{[^}]*\\b${name}\\b[^}]*\\}`).test(text) ||
    new RegExp(`(environ|getenv|ENV).{0,20}\\b${variable}\\b`).test(text)
  );
}

/** Empty for what is no text that a step could use. */
async function readText(path: string): Promise<string> {
  const bytes = await readRegular(path, largestText).catch(() => Buffer.alloc(0));
  return bytes.toString('latin1');
}

/** Notes for people, and what tools leave in folders. */
const notPayload = /(^|\/)(\.[^/]*|patch\.ya?ml|(README|LICENSE|NOTICE|CHANGELOG)[^/]*|[^/]*\.md)$/i;

function findUnusedFiles(patch: Patch, files: readonly string[] | undefined): Problem[] {
  const used: string[] = [];
  for (const { kind, value } of patch.steps) {
    const definition = stepDefinitions.get(kind);
    const fitted = definition && fitValue(definition, value, listDefaults(patch.parameters)).value;
    const names = fitted === undefined ? [] : (definition?.payload?.(fitted) ?? []).map(({ name }) => name);
    // A name that a parameter gives can be any.
    const open = [...walkStrings((value as { readonly from?: unknown } | null)?.from)];
    if (open.some(([, text]) => findPlaceholders(text).names.length > 0)) return [];
    used.push(...names.map((name) => name.replace(/^\.\//, '').replace(/\/+$/, '')));
  }
  const isUsed = (file: string) =>
    used.some((name) => file === name || name === '.' || file.startsWith(`${name}/`));
  return (files ?? [])
    .filter((file) => !notPayload.test(file) && !file.split('/').includes('node_modules'))
    .filter((file) => !isUsed(file))
    .map((file) => ({
      at: { file: patch.file, line: 1, column: 1 },
      code: 'payload-unused' as const,
      text: `found the file ${file} in the patch folder, which no step uses`,
    }));
}
