import { createHash } from 'node:crypto';
import type { InitName } from '../model/patch/init.js';
import type { Patch, Pin, SourceStep, Step } from '../model/patch/patch.js';
import type { Secret } from '../model/patch/secret.js';
import type { Content } from '../model/patch/workspace.js';
import type { Problem } from '../yaml/problems.js';
import type { Values } from './language/expressions.js';
import { fitValue } from './language/fit-value.js';
import { holdContent, type Payload, type PayloadFolder } from './language/payload.js';
import {
  fillPlaceholders,
  fillValue,
  findPlaceholders,
  type Growth,
  walkStrings,
} from './language/placeholders.js';
import { nameVariable } from './language/variables.js';
import type { PayloadUse, StepDefinition } from './steps/definition.js';
import { stepDefinitions } from './steps/registry.js';
import { isDigest } from './steps/schemas.js';
import type { PayloadFile, StepContext } from './system/step-context.js';

export interface PreparedStep extends Omit<Step, 'id' | 'apply'> {
  readonly definition: StepDefinition;
  /** What decides the result of the step, in whatever folder its patch is; no value of a secret. */
  readonly content: unknown;
  readonly context: Omit<StepContext, 'stamp'>;
}

/** A step, or the problems with it. */
export interface Preparation {
  readonly step?: PreparedStep;
  readonly problems: readonly Problem[];
}

/** The values of a patch's parameters. */
export interface PatchValues {
  readonly plain: Values;
  readonly secrets: ReadonlyMap<string, Secret>;
}

interface PatchParts extends PatchValues {
  readonly patch: Patch;
  readonly growth: Growth;
  readonly folder: PayloadFolder;
}

/** Fills in the values of the parameters and reads the payload. */
export async function prepareStep(source: SourceStep, parts: PatchParts): Promise<Preparation> {
  const { patch } = parts;
  const definition = stepDefinitions.get(source.kind);
  if (!definition) throw new Error(`a patch was loaded with the unknown step ${source.kind}`);
  const place = (path: readonly PropertyKey[]) => source.places?.get(path.join('.')) ?? source.at;
  const { value, faults } = fitValue(definition, source.value, fillingValues(parts));
  if (faults.length > 0)
    return {
      problems: faults.map(
        ({ path, text, code, hint }): Problem => ({
          at: place(path),
          code,
          text,
          hint: hintAtParameters(source.value, path, parts) ?? hint,
        }),
      ),
    };
  const fitted = { source, definition, value };
  const payload = new Map<string, Content>();
  const digests: Record<string, string> = {};
  const names = new Set(listSecrets(fitted, parts));
  const problems = findCode(source.value, parts).map(
    (text): Problem => ({ at: place(['content']), code: 'parameter-value', text }),
  );
  const refuse = (text: string) => problems.push({ at: place(['from']), code: 'payload-wrong', text });
  const trees = new Map<string, readonly PayloadFile[]>();
  for (const use of definition.payload?.(value) ?? []) {
    if (use.exclude !== undefined) {
      const tree = await parts.folder.readTree({ name: use.name, exclude: use.exclude });
      if ('fault' in tree) refuse(tree.fault);
      else {
        trees.set(use.name, tree.files);
        digests[use.name] = tree.digest;
      }
      continue;
    }
    const result = await preparePayload(use, parts, fitted);
    if ('fault' in result) {
      refuse(result.fault);
      continue;
    }
    payload.set(use.name, result.content);
    digests[use.name] = result.digest;
    for (const name of result.secrets) names.add(name);
  }
  const secrets = [...names].sort();
  const variables = definition.shell === undefined ? undefined : createVariables(parts.plain);
  const step = {
    patch: patch.id,
    kind: source.kind,
    value,
    payload,
    at: source.at,
    summary: describe(source, definition, parts),
    pin: findPin(fitted, payload),
    needs: definition.needs(value),
    reads: definition.reads(value),
    becomes: definition.becomes && ((init: InitName) => definition.becomes?.(value, init) ?? []),
    secrets,
    stores: listStored(secrets, definition, value).map((stored) => ({ ...stored, patch: patch.id })),
    definition,
    content: {
      kind: source.kind,
      value: secrets.length === 0 ? value : fillValue(source.value, mapValues(parts, nameSecret)),
      when: source.when,
      payload: digests,
      variables,
      ...(secrets.length > 0 && { secrets }),
    },
    context: { payload, trees, at: source.at, variables, secrets: pickVariables(fitted, parts) },
  };
  return { step, problems };
}

/** Names the parameters whose values stand where a fault is: the user then changes a setting, not the patch. */
function hintAtParameters(
  written: unknown,
  path: readonly PropertyKey[],
  { patch }: PatchParts,
): string | undefined {
  let at = written;
  for (const key of path) {
    // A placeholder may stand for the whole list.
    if (typeof at !== 'object' || at === null) break;
    at = (at as Record<PropertyKey, unknown>)[key];
  }
  const names = typeof at === 'string' ? [...new Set(findPlaceholders(at).names)] : [];
  if (names.length === 0) return undefined;
  const flags = names.map(
    (name) => `-s ${name}=VALUE (${patch.parameters[name]?.description ?? 'a parameter'})`,
  );
  return `the value comes from the settings of the patch ${patch.id}: ${flags.join(', ')}`;
}

/** The values of all parameters, with a text for each secret. */
function mapValues({ plain, secrets }: PatchValues, text: (secret: Secret) => string): Values {
  return new Map([...plain, ...[...secrets].map(([name, secret]) => [name, text(secret)] as const)]);
}

/** What stands in the place of each placeholder. */
export function fillingValues(values: PatchValues): Values {
  return mapValues(values, ({ value }) => value);
}

/** What stands for a secret in ids, which must tell nothing of its value: a short one could be guessed from a hash. */
function nameSecret({ name }: Secret): string {
  return `secret ${name}`;
}

/** A list has an entry a line: a shell's `for` goes through them. */
function createVariables(plain: Values): Record<string, string> {
  return Object.fromEntries(
    [...plain].map(([name, value]) => [nameVariable(name), [value].flat().join('\n')]),
  );
}

/** The step in one line, with the secrets as reports show them. */
function describe(source: SourceStep, definition: StepDefinition, values: PatchValues): string {
  const { value } = fitValue(
    definition,
    source.value,
    mapValues(values, ({ shown }) => shown),
  );
  return value === undefined ? source.kind : definition.describe(value);
}

/** Names of secrets that a step uses: as placeholders, or in its list. */
function listSecrets({ source, definition, value }: FittedStep, { secrets }: PatchValues): string[] {
  const filled = [...walkStrings(source.value)].flatMap(([, text]) => findPlaceholders(text).names);
  const listed = definition.secrets?.list?.(value) ?? [];
  return [...filled, ...listed].filter((name) => secrets.has(name));
}

/** Variables that hold secrets: those that the step lists, and those of its environment with a placeholder of one. */
function pickVariables(
  { source, definition, value }: FittedStep,
  values: PatchValues,
): Record<string, string> {
  if (values.secrets.size === 0) return {};
  const { list, environment } = definition.secrets ?? {};
  const listed = (list?.(value) ?? []).flatMap((name) => values.secrets.get(name) ?? []);
  const filled = environment?.(value) ?? {};
  const named = fitValue(definition, source.value, mapValues(values, nameSecret)).value;
  const shown = named === undefined ? {} : (environment?.(named) ?? {});
  return {
    ...Object.fromEntries(listed.map((secret) => [nameVariable(secret.name), secret.value])),
    ...Object.fromEntries(Object.entries(filled).filter(([name, text]) => shown[name] !== text)),
  };
}

function findPin({ definition, value }: FittedStep, payload: ReadonlyMap<string, Content>): Pin | undefined {
  const { path, was } = definition.pin?.(value) ?? {};
  if (path === undefined || was === undefined) return undefined;
  if (isDigest(was)) return { path, sha256: was };
  const content = payload.get(was);
  return content && { path, sha256: content.sha256, content };
}

function listStored(secrets: readonly string[], { secrets: rule }: StepDefinition, value: unknown) {
  if (!rule?.mayStore(value)) return [];
  return secrets.map((name) => ({ name, paths: rule.stores?.(value) }));
}

type PreparedPayload =
  | { readonly content: Content; readonly digest: string; readonly secrets: readonly string[] }
  | { readonly fault: string };

interface FittedStep {
  readonly source: SourceStep;
  readonly definition: StepDefinition;
  readonly value: unknown;
}

/** Reads a payload, and replaces the placeholders of a template. */
async function preparePayload(
  { name, template, largest }: PayloadUse,
  parts: PatchParts,
  { definition, value }: FittedStep,
): Promise<PreparedPayload> {
  if (!template) {
    const content = await parts.folder.open(name, largest);
    return 'fault' in content ? content : { content, digest: content.sha256, secrets: [] };
  }
  const payload: Payload = await parts.folder.read(name);
  if ('fault' in payload) return payload;
  const text = Buffer.from(payload.bytes).toString('utf8');
  if (!Buffer.from(text).equals(payload.bytes))
    return { fault: `found bytes in ${name} that are not UTF-8, wanted a template` };
  const { names, malformed } = findPlaceholders(text);
  const values = fillingValues(parts);
  const unknown = names.filter((other) => !values.has(other)).map((other) => `\${${other}}`);
  const [wrong] = [...malformed, ...unknown];
  if (wrong !== undefined)
    return {
      fault: `found ${wrong} in the template ${name}, wanted a parameter, or $\${ for a literal \${`,
    };
  const secrets = names.filter((other) => parts.secrets.has(other));
  if (secrets.length > 0 && definition.secrets?.writes && !definition.secrets.mayStore(value))
    return {
      fault: `found the secret ${secrets[0]} in the template ${name}, wanted "stores-secret: true" in the step: everybody who has the image can read it there`,
    };
  const fault = findCode(text, parts)[0] ?? parts.growth.add(text);
  if (fault !== undefined) return { fault };
  const bytes = new TextEncoder().encode(fillPlaceholders(text, values));
  const fixed = fillPlaceholders(text, mapValues(parts, nameSecret));
  return { content: holdContent(bytes), digest: hashBytes(new TextEncoder().encode(fixed)), secrets };
}

/** Characters with which a value could leave its word or its quotes. */
const breaking = /[\n\r;&|<>()$`\\"']/;

/**
 * Values that a script in the image (a text that begins with #!) would run as a part of itself. A pattern is the
 * author's word that each value it admits is harmless.
 */
function findCode(value: unknown, { patch, plain, secrets }: PatchParts): string[] {
  const texts = [...walkStrings(value)].map(([, text]) => text).filter((text) => text.startsWith('#!'));
  const names = new Set(texts.flatMap((text) => findPlaceholders(text).names));
  return [...names].flatMap((name) => {
    const secret = secrets.get(name);
    if (secret?.isMissing) return [];
    const text = [plain.get(name) ?? secret?.value ?? ''].flat().join('\n');
    const { pattern, choices } = patch.parameters[name] ?? {};
    if ((pattern ?? choices) !== undefined || !breaking.test(text)) return [];
    const found = secrets.has(name) ? 'its value' : JSON.stringify(text);
    return `parameter ${name}: found ${found}, which a script would run as a part of itself; wanted a value without ; & | < > ( ) $ \` \\ quotes and line breaks, or a pattern for the parameter that admits it`;
  });
}

function hashBytes(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
