import type {
  DescribedParameter,
  DescribedStep,
  ListedPatch,
  PatchDescription,
} from '../model/result/patches.js';
import { renderPlan } from './plan.js';
import { formatTable } from './table.js';

/** A line for each patch: its id, and what it does. */
export function renderPatches(patches: readonly ListedPatch[]): string[] {
  return formatTable(
    patches.map(({ id, folder, origin, title, error }) => [
      id,
      `${error === undefined ? title : `has mistakes: moby-patch check ${folder}`}${origin === 'program' || error !== undefined ? '' : ` (${folder})`}`,
    ]),
    [],
  );
}

/** What a patch takes and does, and what it would do to the image that was named. `isOwn`: not of this program. */
export function renderPatch(patch: PatchDescription, { isOwn }: { readonly isOwn: boolean }): string[] {
  const { id, folder, title, when, uses, conflicts, needs, parameters, steps, expects, image } = patch;
  return [
    `patch      ${id}: ${title}`,
    ...(isOwn ? [`folder     ${folder}`] : []),
    `needs      ${needs.length > 0 ? needs.join(', ') : 'nothing: no command runs in the image'}`,
    ...(when === undefined ? [] : [`when       ${showCondition(when)}`]),
    ...(uses.length > 0 ? [`uses       ${uses.join(', ')}`] : []),
    ...(conflicts.length > 0 ? [`conflicts  ${conflicts.join(', ')}`] : []),
    ...parameters.flatMap(renderParameter),
    ...steps.map(renderStep),
    ...expects.map((each) => `expects    ${each.replaceAll('\n', '\\n')}`),
    ...(image === undefined ? [] : ['', `image   ${image.name} (sha256 ${image.sha256.slice(0, 16)})`]),
    ...(image === undefined ? [] : renderPlan(image.plan)),
  ];
}

function renderParameter(parameter: DescribedParameter): string[] {
  const { name, type, required, secret, description, choices, pattern } = parameter;
  const value = [parameter.default ?? ''].flat().join(',');
  const state = required ? 'required' : value === '' ? 'empty by default' : `default: ${value}`;
  const line = `parameter  ${name} (${secret ? 'secret ' : ''}${type}, ${state}): ${description}`;
  const one = choices === undefined ? [] : [`             one of ${choices.join(', ')}`];
  return [line, ...one, ...(pattern === undefined ? [] : [`             matches ${pattern}`])];
}

function renderStep({ summary, needs, when }: DescribedStep): string {
  const rights = needs.length > 0 ? ` (needs ${needs.join(', ')})` : '';
  return `step       ${summary}${rights}${when === undefined ? '' : `, when ${showCondition(when)}`}`;
}

/** As it is written, on one line: `init: systemd, path: etc/x`. */
function showCondition(when: unknown): string {
  return showValue(when).replace(/^\{(.*)\}$/s, '$1');
}

function showValue(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(showValue).join(', ')}]`;
  if (typeof value !== 'object' || value === null) return String(value);
  return `{${Object.entries(value)
    .map(([key, each]) => `${key}: ${showValue(each)}`)
    .join(', ')}}`;
}
