import { createHmac, randomBytes } from 'node:crypto';
import { mkdir, open } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { shortestSecret } from '../format/secret-forms.js';
import { readAt } from '../io/file/read-write.js';
import { createUnreadableError, isMissing, openRegular, readOpened } from '../io/file/regular-file.js';
import { MobyPatchError } from '../model/error/error.js';
import type { Parameter, Patch } from '../model/patch/patch.js';
import type { Secret, SecretSource } from '../model/patch/secret.js';
import type { ReadingSession } from '../model/session.js';
import {
  createMissingSecretError,
  explainValue,
  hintAtSecret,
  nameSecretVariable,
} from '../patch/language/parameters.js';
import { suggest } from '../yaml/did-you-mean.js';

/** Sources by the name of a parameter: `NAME`, or `PATCH.NAME` where several patches have that name. */
export type SecretSources = Readonly<Record<string, SecretSource>>;

/** Bytes. */
const longestSecret = 64 * 1024;

export interface SecretRequest {
  readonly patches: readonly Patch[];
  /** Those that come before the environment, and those of the configuration, which follow it. */
  readonly given: SecretSources;
  readonly configured: SecretSources;
  /** Whether a secret without a value is a fault; otherwise there is a warning, and nobody is asked. Either way it has a value that fits nothing. */
  readonly isRequired: boolean;
}

export interface LoadedSecrets {
  readonly secrets: readonly Secret[];
  /** For the report. */
  readonly warnings: readonly string[];
  /** `secret-missing`, one for each. */
  readonly faults: readonly MobyPatchError[];
}

/**
 * The values of all secrets of patches. Errors (`invalid`): `secret-missing` of a variable, `secret-unknown` for a source of no
 * secret, `secret-unreadable`, `secret-invalid`; none shows a value.
 */
export async function loadSecrets(request: SecretRequest, session: ReadingSession): Promise<LoadedSecrets> {
  const { patches, given: named, configured, isRequired } = request;
  checkNames(patches, named);
  const declared = patches.flatMap((patch) =>
    Object.entries(patch.parameters)
      .filter(([, { secret }]) => secret)
      .map(([name, parameter]) => ({ patch, name, parameter })),
  );
  if (declared.length === 0) return { secrets: [], warnings: [], faults: [] };
  const key = await loadKey(session);
  const secrets: Secret[] = [];
  const warnings: string[] = [];
  const faults: MobyPatchError[] = [];
  for (const { patch, name, parameter } of declared) {
    const source =
      findSource(patch, name, named) ?? findVariable(name, session) ?? findSource(patch, name, configured);
    const wanted = { patch, name, parameter, isRequired, warnings };
    const given = await readSource(source, wanted, session);
    if (given !== undefined) checkSecret(name, given, parameter);
    if (given === undefined) {
      if (isRequired) faults.push(createMissingSecretError(patch, name, parameter));
      else
        warnings.push(`the secret ${name} of the patch ${patch.id} has no value yet: ${hintAtSecret(name)}`);
      secrets.push(createMissing(patch, name));
    } else secrets.push({ patch: patch.id, name, value: given, shown: showDigest(given, key), source });
  }
  return { secrets, warnings, faults };
}

function createMissing({ id }: Patch, name: string): Secret {
  // In the form of a password's hash, which a step may ask for.
  const value = `$missing$${randomBytes(16).toString('hex')}`;
  return { patch: id, name, value, shown: 'secret without a value', isMissing: true };
}

/** Error (`invalid`): `secret-source`. */
export function parseSecretFlags(texts: readonly string[], folder: string): SecretSources {
  return Object.fromEntries(
    texts.map((text) => {
      const [, name = '', kind, place = ''] = /^([^=]+)=(?:(file:|env:|@))?(.*)$/s.exec(text) ?? [];
      if (kind === undefined || place === '') {
        // The rest may be the value itself, which no message may show.
        const message = `found no source in --secret ${name}=..., wanted a file or a variable`;
        const hint = `--secret ${name || 'NAME'}=file:PATH, or --secret ${name || 'NAME'}=env:VARIABLE`;
        throw new MobyPatchError('invalid', 'secret-source', message, { hint });
      }
      return [name, kind === 'env:' ? { env: place } : { file: resolve(folder, place) }];
    }),
  );
}

/** A source as the command line has it. */
export function formatSecretFlag(name: string, source: SecretSource): string {
  return 'file' in source ? `${name}=file:${source.file}` : `${name}=env:${source.env}`;
}

function checkNames(patches: readonly Patch[], flags: SecretSources): void {
  const known = patches.flatMap(({ id, parameters }) =>
    Object.keys(parameters).flatMap((name) => (parameters[name]?.secret ? [name, `${id}.${name}`] : [])),
  );
  for (const name of Object.keys(flags)) {
    if (known.includes(name)) continue;
    const message = `--secret ${name}: found no patch with such a secret${suggest(name, known)}`;
    const names = known.filter((each) => !each.includes('.')).join(', ');
    const hint = names === '' ? 'none of the patches has secrets' : `the patches have: ${names}`;
    throw new MobyPatchError('invalid', 'secret-unknown', message, { hint });
  }
}

function findSource({ id }: Patch, name: string, sources: SecretSources): SecretSource | undefined {
  const own = (key: string) => (Object.hasOwn(sources, key) ? sources[key] : undefined);
  return own(`${id}.${name}`) ?? own(name);
}

function findVariable(name: string, { secretVariables = {} }: ReadingSession): SecretSource | undefined {
  const env = nameSecretVariable(name);
  return secretVariables[env] === undefined ? undefined : { env };
}

interface WantedSecret {
  readonly patch: Patch;
  readonly name: string;
  readonly parameter: Parameter;
  readonly isRequired: boolean;
  /** Gets what a person should know. */
  readonly warnings: string[];
}

async function readSource(
  source: SecretSource | undefined,
  wanted: WantedSecret,
  session: ReadingSession,
): Promise<string | undefined> {
  const { patch, name, parameter, isRequired } = wanted;
  if (source === undefined)
    return isRequired
      ? session.ask?.(`${patch.id}: the secret ${name} (${parameter.description}): `)
      : undefined;
  const text = readGivenSecret(source, wanted, session);
  return isRequired ? text : text.catch(ignoreUnreadable);
}

/** The text that a source holds. Errors (`invalid`): `secret-missing`, `secret-unreadable`. */
export async function readGivenSecret(
  source: SecretSource,
  { name, warnings }: Pick<WantedSecret, 'name' | 'warnings'>,
  { environment, secretVariables }: ReadingSession,
): Promise<string> {
  if ('file' in source) return readSecretFile(source.file, { name, warnings });
  const value = environment[source.env] ?? secretVariables?.[source.env];
  if (value !== undefined) return value;
  const message = `the secret ${name}: found no variable ${source.env} in the environment, wanted its value there`;
  throw new MobyPatchError('invalid', 'secret-missing', message, { hint: `export ${source.env}` });
}

/** For a use case that can do without: `status` says what is installed also where the secret is not at hand. */
function ignoreUnreadable(error: unknown): undefined {
  if (!(error instanceof MobyPatchError)) throw error;
}

/** The text of a file without the line break at its end. Error: `secret-unreadable`. */
async function readSecretFile(
  path: string,
  { name, warnings }: Pick<WantedSecret, 'name' | 'warnings'>,
): Promise<string> {
  try {
    await using file = await openRegular(path);
    const { mode } = await file.stat();
    if ((mode & 0o007) !== 0)
      warnings.push(
        `the file of the secret ${name} can be read or written by everybody on this machine: chmod 600 ${path}`,
      );
    const bytes = await readOpened(file, { path, limit: longestSecret });
    const text = bytes.toString('utf8');
    if (Buffer.from(text).equals(bytes)) return text.replace(/\r?\n$/, '');
    throw new MobyPatchError('invalid', 'secret-unreadable', 'found bytes that are not UTF-8, wanted a text');
  } catch (cause) {
    throw createUnreadableError(cause, { code: 'secret-unreadable', what: `the secret ${name}`, path });
  }
}

/** Error (`invalid`): `secret-invalid`, without the value. */
function checkSecret(name: string, value: string, parameter: Parameter): void {
  const fault = explainSecret(name, value, parameter);
  if (fault === undefined) return;
  throw new MobyPatchError('invalid', 'secret-invalid', `the secret ${name}: ${fault}`, {
    hint: hintAtSecret(name),
  });
}

function explainSecret(name: string, value: string, parameter: Parameter): string | undefined {
  const size = Buffer.byteLength(value);
  if (size > longestSecret || value.includes('\0'))
    return `found ${size} bytes, wanted at most ${longestSecret} and no NUL`;
  if (value.trim().length < shortestSecret)
    return `found ${value.trim().length} characters, wanted at least ${shortestSecret}: a shorter text cannot be told from others, neither in the image nor in a log`;
  if (parameter.pattern === undefined || explainValue(name, value, parameter) === undefined) return undefined;
  return `found a value that does not match ${parameter.pattern}`;
}

/**
 * A plain hash of a short secret can be guessed: its reader tries all words. This one has a key that never leaves the
 * machine; it tells its user whether two builds had the same value, and others nothing.
 */
function showDigest(value: string, key: Uint8Array): string {
  return `secret hmac-sha256:${createHmac('sha256', key).update(value).digest('hex').slice(0, 12)}`;
}

const keySize = 32;

/** The key of this machine's user, made at the first use; where none can be kept, one for this run alone. */
async function loadKey({ places, log }: ReadingSession): Promise<Uint8Array> {
  const path = join(places.state, 'secret-key');
  try {
    await mkdir(places.state, { recursive: true, mode: 0o700 });
    return (await readKey(path)) ?? (await createKey(path)) ?? (await readKey(path)) ?? randomBytes(keySize);
  } catch (error) {
    log(`the digests of secrets are other ones in the next run: ${path}: ${(error as Error).message}`);
    return randomBytes(keySize);
  }
}

/** Undefined when there is none. */
async function readKey(path: string): Promise<Uint8Array | undefined> {
  const file = await openRegular(path, { follow: false }).catch((error) => {
    if (isMissing(error)) return undefined;
    throw error;
  });
  if (file === undefined) return undefined;
  await using held = file;
  const { mode, uid } = await held.stat();
  const bytes = await readAt(held, 0, keySize);
  if (bytes.length === keySize && (mode & 0o077) === 0 && uid === process.geteuid?.()) return bytes;
  throw new Error('found no key that belongs to this user alone');
}

/** Undefined when another process was faster. */
async function createKey(path: string): Promise<Uint8Array | undefined> {
  const key = randomBytes(keySize);
  const file = await open(path, 'wx', 0o600).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'EEXIST') return undefined;
    throw error;
  });
  if (file === undefined) return undefined;
  await using held = file;
  await held.writeFile(key);
  return key;
}
