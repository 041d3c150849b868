import { createBoundedRunner } from '../../io/process/bounded.js';
import { MobyPatchError, refuseProblems } from '../../model/error/error.js';
import type { Parameter, Patch } from '../../model/patch/patch.js';
import { type Secret, secretPrefix } from '../../model/patch/secret.js';
import { suggest } from '../../yaml/did-you-mean.js';
import { createProblemError, formatPosition, type Problem } from '../../yaml/problems.js';
import type { Value, Values } from './expressions.js';
import { explainType, parseValue, typeOf } from './parameter-types.js';
import { nameVariable } from './variables.js';

/** Values that the user gives to parameters: `NAME`, or `PATCH.NAME` where several patches have that name. */
export type PatchSettings = Readonly<Record<string, string>>;

export interface ValueFault {
  readonly text: string;
  /** Whether the pattern took so long that no other one should be tried. */
  readonly isSlow?: boolean;
}

/** What is wrong with a value; undefined for a valid one. Each entry of a list is looked at. */
export function explainValue(name: string, value: Value, parameter: Parameter): ValueFault | undefined {
  for (const text of [value].flat()) {
    const fault = explainText(name, text, parameter);
    if (fault !== undefined) return fault;
  }
  return undefined;
}

function explainText(name: string, value: string, parameter: Parameter): ValueFault | undefined {
  const { pattern, choices } = parameter;
  if (value.length > 4096 || value.includes('\0'))
    return { text: `parameter ${name}: found ${value.length} characters, wanted at most 4096 and no NUL` };
  const found = `parameter ${name}: found ${JSON.stringify(value)}`;
  if (choices !== undefined && !choices.includes(value))
    return { text: `${found}${suggest(value, choices)}, wanted ${choices.join(' or ')}` };
  const type = explainType(value, parameter);
  if (type !== undefined) return { text: `${found}, wanted ${type}` };
  if (pattern === undefined) return undefined;
  const matched = matchWhole(pattern, value);
  if (matched === undefined) return { text: `parameter ${name}: ${explainSlow(pattern)}`, isSlow: true };
  return matched ? undefined : { text: `${found}, wanted a value that matches ${pattern}` };
}

function explainSlow(pattern: string): string {
  return `found the pattern ${pattern}, which took more than half a second to say whether the value matches, wanted one without a repetition inside a repetition`;
}

/** Undefined: it took too long. */
function matchWhole(pattern: string, value: string): boolean | undefined {
  return createBoundedRunner()(() => new RegExp(`^(?:${pattern})$`, 'u').test(value))?.value;
}

interface CollectedParameters {
  /** Of each patch without a problem: the value of every parameter that is no secret. */
  readonly values: ReadonlyMap<Patch, Values>;
  readonly problems: readonly Problem[];
  /** What to do about all of them; undefined where there are none. */
  readonly hint?: string;
}

export function collectParameters(patches: readonly Patch[], settings: PatchSettings): CollectedParameters {
  const values = new Map<Patch, Values>();
  const problems: ParameterProblem[] = [];
  for (const patch of patches) {
    const resolved = tryParameters(patch, settings);
    if (resolved.problems.length === 0) values.set(patch, resolved.values);
    problems.push(...resolved.problems);
  }
  const [first] = problems;
  return first === undefined
    ? { values, problems }
    : { values, problems, hint: hintAtValues([first, ...problems]) };
}

/**
 * Refuses what is wrong with settings. Errors (`invalid`): `secret-exposed`; `setting-unknown` for settings that are no
 * parameters of any patch, `patch-invalid` with the problems of all parameters; several are one `build-impossible`.
 */
export function assertParameters(patches: readonly Patch[], settings: PatchSettings): void {
  refuseExposed(patches, settings);
  const unknown = findUnknownSettings(patches, settings);
  const { problems, hint } = collectParameters(patches, settings);
  refuseProblems([...unknown, ...(problems.length === 0 ? [] : [createProblemError(problems, hint)])]);
}

interface Resolved {
  readonly values: Values;
  readonly problems: readonly ParameterProblem[];
}

interface ParameterProblem extends Problem {
  /** Of the parameter. */
  readonly name: string;
  /** The id of its patch. */
  readonly patch: string;
}

/** As far as there are valid values. */
export function tryParameters(patch: Patch, settings: PatchSettings): Resolved {
  const values = new Map<string, Value>();
  const problems: ParameterProblem[] = [];
  for (const [name, parameter] of Object.entries(patch.parameters)) {
    if (parameter.secret) continue;
    const at = parameter.at ?? { file: patch.folder, line: 1, column: 1 };
    const given = findSetting(patch, name, settings);
    const value = given === undefined ? chooseDefault(parameter) : parseValue(given, parameter);
    if (value === undefined) {
      const text = `parameter ${name}: found no value for it in the patch ${patch.id}, wanted one (${parameter.description})`;
      problems.push({
        patch: patch.id,
        name,
        at,
        code: 'parameter-missing',
        text,
        hint: hintAtSetting(name),
      });
      continue;
    }
    const isEmpty = given === undefined && parameter.default === undefined;
    const fault = isEmpty ? undefined : explainValue(name, value, parameter);
    if (fault === undefined) values.set(name, value);
    else
      problems.push({
        patch: patch.id,
        name,
        at,
        code: 'parameter-value',
        text: fault.text,
        hint: hintAtValue(name, value, parameter),
      });
    if (fault?.isSlow) break;
  }
  return { values, problems };
}

function chooseDefault(parameter: Parameter): Value | undefined {
  if (parameter.default !== undefined) return parameter.default;
  return parameter.required === false ? parseValue('', parameter) : undefined;
}

function hintAtSetting(name: string): string {
  return `-s ${name}=VALUE, or in moby-patch.yaml: settings: {${name}: VALUE}`;
}

function hintAtValue(name: string, value: Value, parameter: Parameter): string {
  const entries = [value].flat().flatMap((entry) => entry.split(/\s+/));
  // Each entry is one line by its type, so what is split here had blanks.
  if (typeOf(parameter) === 'list' && entries.length > [value].flat().length)
    return `commas separate the entries of a list: -s ${name}=${entries.filter((entry) => entry !== '').join(',')}`;
  return `the patch says of ${name}: ${parameter.description}`;
}

function hintAtValues([first, ...problems]: readonly [ParameterProblem, ...ParameterProblem[]]): string {
  const missing = problems.filter(({ code }) => code === 'parameter-missing').map(({ name }) => name);
  const flags = [...new Set(missing)].map((name) => `-s ${name}=VALUE`);
  if (flags.length > 0) return `add ${flags.join(' ')}`;
  return `moby-patch patches show ${first.patch} says what each of them takes`;
}

function findSetting(patch: Patch, name: string, settings: PatchSettings): string | undefined {
  const own = (key: string) => (Object.hasOwn(settings, key) ? settings[key] : undefined);
  return own(`${patch.id}.${name}`) ?? own(name);
}

/** The secrets of a patch by name. Error (`invalid`): `secret-missing`. */
export function resolveSecrets(patch: Patch, secrets: readonly Secret[]): ReadonlyMap<string, Secret> {
  const values = new Map<string, Secret>();
  for (const [name, parameter] of Object.entries(patch.parameters)) {
    if (!parameter.secret) continue;
    const secret = secrets.find((each) => each.patch === patch.id && each.name === name);
    if (secret === undefined) throw createMissingSecretError(patch, name, parameter);
    values.set(name, secret);
  }
  return values;
}

/** The variable of the environment that holds the value of a secret. */
export function nameSecretVariable(name: string): string {
  return `${secretPrefix}${nameVariable(name).toUpperCase()}`;
}

/** All ways to give a secret, as a hint. */
export function hintAtSecret(name: string): string {
  return `export ${nameSecretVariable(name)}, or --secret ${name}=file:PATH, or --secret ${name}=env:VARIABLE (in moby-patch.yaml: secrets: {${name}: {file: PATH}}), or run it in a terminal, which asks for it`;
}

export function createMissingSecretError(
  patch: Patch,
  name: string,
  { description, at }: Parameter,
): MobyPatchError {
  const message = `the secret ${name} of the patch ${patch.id}: found no value, wanted one (${description})`;
  return new MobyPatchError('invalid', 'secret-missing', message, {
    path: at && formatPosition(at),
    hint: hintAtSecret(name),
  });
}

/** Error (`invalid`): `secret-exposed` for the value of a secret, which must not stand in arguments or a configuration. */
export function refuseExposed(patches: readonly Patch[], settings: PatchSettings): void {
  for (const patch of patches) {
    for (const [name, { secret }] of Object.entries(patch.parameters)) {
      if (!secret || findSetting(patch, name, settings) === undefined) continue;
      const message = `the parameter ${name} of the patch ${patch.id} is a secret: found its value among the settings, where arguments (ps), the history of a shell or a file show it to others`;
      throw new MobyPatchError('invalid', 'secret-exposed', message, { hint: hintAtSecret(name) });
    }
  }
}

/** What settings of these patches may be called: `NAME` or `PATCH.NAME`. */
export function listSettingNames(patches: readonly Patch[]): ReadonlySet<string> {
  return new Set(
    patches.flatMap(({ id, parameters }) =>
      Object.keys(parameters).flatMap((name) => [name, `${id}.${name}`]),
    ),
  );
}

/** Parameters that a hint names. */
const mostNames = 50;

/** Errors (`invalid`): `setting-unknown` for settings that are no parameters of any patch; `secret-exposed`. */
export function checkSettings(patches: readonly Patch[], settings: PatchSettings): void {
  refuseExposed(patches, settings);
  refuseProblems(findUnknownSettings(patches, settings));
}

/** One error for each setting that is no parameter of any patch. */
export function findUnknownSettings(patches: readonly Patch[], settings: PatchSettings): MobyPatchError[] {
  const known = listSettingNames(patches);
  const names = [...known].filter((other) => !other.includes('.'));
  const hint =
    names.length > 0
      ? `the patches have: ${names.slice(0, mostNames).join(', ')}`
      : 'none of the patches has parameters';
  return Object.keys(settings)
    .filter((name) => !known.has(name))
    .map((name) => {
      const text = `setting ${name}: found no patch with such a parameter${suggest(name, known)}`;
      return new MobyPatchError('invalid', 'setting-unknown', text, { hint });
    });
}

/** The default values. Parameters without one are left out. */
export function listDefaults(parameters: Readonly<Record<string, Parameter>>): Values {
  return new Map(
    Object.entries(parameters).flatMap(([name, parameter]) => {
      const { default: value } = parameter;
      return value === undefined ? [] : [[name, value] as const];
    }),
  );
}
