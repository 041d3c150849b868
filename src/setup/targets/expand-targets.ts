import { MobyPatchError } from '../../model/error/error.js';
import { fillPlaceholders, findPlaceholders } from '../../patch/language/placeholders.js';
import { suggest } from '../../yaml/did-you-mean.js';
import type { ProblemCode } from '../../yaml/problem-code.js';
import { createProblemError, type Problem } from '../../yaml/problems.js';
import type { BuildValues } from '../build-options.js';
import type { LoadedConfiguration } from '../configuration.js';
import {
  type Combination,
  countCombinations,
  listCombinations,
  matches,
  nameOfValue,
} from './combinations.js';
import { findTwins, type KeyedTarget } from './find-twins.js';
import type { Target } from './target.js';
import type { TargetEntry } from './target-schema.js';

/** Of all entries together. */
const mostTargets = 100_000;
/** A tag of a registry is one, too, with a few characters in front. */
const nameForm = /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}$/;
const axisForm = /^[A-Za-z_][A-Za-z0-9_-]{0,63}$/;

/**
 * All targets of a configuration, in the order of the file. Errors (`invalid`): `targets-missing`; `patch-invalid` with all that is
 * wrong with them.
 */
export function expandTargets(loaded: LoadedConfiguration): readonly Target[] {
  const { targets = {} } = loaded.values;
  const entries = Object.entries(targets);
  if (entries.length === 0)
    throw new MobyPatchError('invalid', 'targets-missing', 'no targets are configured', {
      path: loaded.folder,
      hint: 'targets: in moby-patch.yaml; docs/targets.md has an example',
    });
  const problems = createProblems(loaded);
  const total = entries.reduce((sum, [, entry]) => sum + countCombinations(entry), 0);
  if (total > mostTargets)
    problems.add(['targets'], `found ${total} combinations, wanted at most ${mostTargets}`);
  else for (const [key, entry] of entries) checkEntry(key, entry, problems);
  problems.refuse();
  const expanded = entries.flatMap(([key, entry]) =>
    listCombinations(entry).map((combination) => createTarget(loaded, { key, entry, combination, problems })),
  );
  for (const { key, text } of findTwins(expanded)) problems.add(['targets', key], text);
  problems.refuse();
  return expanded.map(({ target }) => target);
}

/** Those of these names, in the order of the file; without names all. Error (`invalid`): `target-unknown`. */
export function selectTargets(targets: readonly Target[], names: readonly string[] = []): readonly Target[] {
  if (names.length === 0) return targets;
  const known = targets.map(({ name }) => name);
  const unknown = names.find((name) => !known.includes(name));
  if (unknown === undefined) return targets.filter(({ name }) => names.includes(name));
  const message = `there is no target "${unknown}"${suggest(unknown, known)}`;
  throw new MobyPatchError('invalid', 'target-unknown', message, {
    hint: 'moby-patch plan --matrix lists them',
  });
}

/** Collects what is wrong, each at its place in the file. */
function createProblems({ locate, folder }: LoadedConfiguration) {
  const problems: Problem[] = [];
  return {
    add(path: readonly PropertyKey[], text: string, code: ProblemCode = 'value-wrong') {
      const at = locate?.(path) ?? { file: folder, line: 1, column: 1, inside: path.join('.') };
      problems.push({ at, code, text: `${path.join('.')}: ${text}` });
    },
    refuse() {
      if (problems.length > 0) throw createProblemError(problems);
    },
  };
}

type Problems = ReturnType<typeof createProblems>;

function checkEntry(key: string, entry: TargetEntry, problems: Problems): void {
  const { matrix = {}, exclude = [] } = entry;
  const axes = Object.keys(matrix);
  for (const axis of axes) {
    const path = ['targets', key, 'matrix', axis];
    if (!axisForm.test(axis) || axis === 'target')
      problems.add(path, 'found this name of an axis, wanted letters, digits, - and _, and not "target"');
    const names = (matrix[axis] ?? []).map(nameOfValue);
    const twin = names.find((name, index) => names.indexOf(name) < index);
    if (twin !== undefined) problems.add(path, `found the value "${twin}" twice, wanted it once`);
  }
  const all = listCombinations({ matrix });
  for (const [index, left] of exclude.entries()) {
    const path = ['targets', key, 'exclude', index];
    const unknown = Object.keys(left).find((axis) => !axes.includes(axis));
    if (unknown !== undefined)
      problems.add([...path, unknown], `found no such axis${suggest(unknown, axes)}`, 'key-unknown');
    else if (!all.some((each) => matches(each, left)))
      problems.add(path, 'found no combination with these values, wanted one that is left out');
  }
  if (listCombinations(entry).length === 0)
    problems.add(['targets', key, 'exclude'], 'every combination is left out, wanted one that is built');
}

interface TargetParts {
  readonly key: string;
  readonly entry: TargetEntry;
  readonly combination: Combination;
  readonly problems: Problems;
}

function createTarget(
  { folder, file, values, locate }: LoadedConfiguration,
  { key, entry, combination, problems }: TargetParts,
): KeyedTarget {
  const { matrix: _, exclude: __, name: wantedName, ...own } = entry;
  const axes = Object.fromEntries([...combination].map(([axis, value]) => [axis, nameOfValue(value)]));
  const fill = createFill(['targets', key], problems);
  const name =
    wantedName === undefined ? joinName(key, Object.values(axes)) : fill(wantedName, axes, ['name']);
  if (!nameForm.test(name))
    problems.add(
      ['targets', key],
      `found the name "${name.slice(0, 120)}", wanted letters, digits, dots, - and _, at most 100: name: in this target`,
    );
  // Those of the file are for the build without a target.
  const { targets: ___, fleet: ____, output: _____, split: ______, ...shared } = values;
  const layers = [...combination.values()].flatMap((value) => (typeof value === 'string' ? [] : [value]));
  const merged = [own, ...layers.map(({ name: _______, ...options }) => options)].reduce(mergeOptions, {});
  const place = merged.split === undefined && { output: merged.output ?? `out/${name}.img` };
  const { architecture, ...options } = fill({ ...merged, ...place }, { ...axes, target: name }, []);
  const built: BuildValues = mergeOptions(shared, options);
  const configuration: LoadedConfiguration = {
    folder,
    values: built,
    ...(merged.patches && { shared: namesBeside(shared.settings, merged.settings) }),
    ...(file !== undefined && { file }),
    ...(locate && { locate: (path) => locate(hasValue(entry, path) ? ['targets', key, ...path] : path) }),
  };
  return { key, target: { name, axes, architecture, configuration } };
}

/** Those of the file that a target does not give itself. */
function namesBeside(shared: BuildValues['settings'] = {}, own: BuildValues['settings'] = {}): Set<string> {
  return new Set(Object.keys(shared).filter((name) => !Object.hasOwn(own, name)));
}

function hasValue(value: unknown, path: readonly PropertyKey[]): boolean {
  const [first, ...rest] = path;
  if (first === undefined) return true;
  const isThere = typeof value === 'object' && value !== null && Object.hasOwn(value, first);
  return isThere && hasValue((value as Record<PropertyKey, unknown>)[first], rest);
}

type Options = Omit<TargetEntry, 'matrix' | 'exclude' | 'name'>;

/** Options of the second in place of those of the first; parameters are those of both. */
function mergeOptions<Base extends Options>(base: Base, own: Options): Base & Options {
  const settings = { ...base.settings, ...own.settings };
  const secrets = { ...base.secrets, ...own.secrets };
  return {
    ...base,
    ...own,
    ...(Object.keys(settings).length > 0 && { settings }),
    ...(Object.keys(secrets).length > 0 && { secrets }),
  };
}

function joinName(key: string, values: readonly string[]): string {
  return [key, ...values]
    .map((part) => part.replace(/^.*\//, '').replace(/[^A-Za-z0-9_.-]+/g, '-'))
    .join('-')
    .replace(/^[.-]+|[.-]+$/g, '');
}

/** Fills placeholders into every text of a value. */
function createFill(path: readonly PropertyKey[], problems: Problems) {
  return function fill<T>(value: T, axes: Readonly<Record<string, string>>, at: readonly PropertyKey[]): T {
    if (typeof value === 'string') return fillText(value, axes, at) as T;
    if (Array.isArray(value)) return value.map((item, index) => fill(item, axes, [...at, index])) as T;
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(
      Object.entries(value).map(([key, item]) => [key, fill(item, axes, [...at, key])]),
    ) as T;
  };

  function fillText(
    text: string,
    axes: Readonly<Record<string, string>>,
    at: readonly PropertyKey[],
  ): string {
    const { names, malformed } = findPlaceholders(text);
    const known = Object.keys(axes);
    for (const name of names.filter((each) => !known.includes(each)))
      problems.add([...path, ...at], `\${${name}} names no axis${suggest(name, known)}`, 'placeholder-wrong');
    for (const written of malformed)
      problems.add([...path, ...at], `found ${written}, wanted \${AXIS}`, 'placeholder-wrong');
    return fillPlaceholders(text, new Map(Object.entries(axes)));
  }
}
