import type { Parameter, Patch } from '../../model/patch.js';
import { stepKinds } from '../steps/registry.js';
import { listDefaults } from './parameters.js';
import { fillValue } from './placeholders.js';

/** The text of patches/README.md: what each patch does, needs and can be told. */
export function describePatches(patches: readonly Patch[]): string {
  const rows = patches.map((patch) => [
    `[${patch.id}](${patch.id}/)`,
    escapeCell(patch.title),
    describeNeeds(patch),
  ]);
  return [
    '# Patches',
    '',
    'Made from the patch.yaml files: change those, not this page.',
    '',
    ...formatTable([['Patch', 'What it does', 'Needs'], ...rows]),
    ...patches.flatMap(describePatch),
    '',
  ].join('\n');
}

/** A table with its columns aligned, as the formatter of this project has them. */
function formatTable(rows: readonly (readonly string[])[]): string[] {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const line = (row: readonly string[], fill: string) =>
    `| ${widths.map((width, column) => (row[column] ?? '').padEnd(width, fill)).join(' | ')} |`;
  const [head = [], ...body] = rows;
  return [line(head, ' '), line([], '-'), ...body.map((row) => line(row, ' '))];
}

function describePatch(patch: Patch): string[] {
  const parameters = Object.entries(patch.parameters);
  const steps = patch.steps.map(({ kind }) => `\`${kind}\``).join(', ');
  const lines = ['', `## ${patch.id}`, '', `${patch.title}.`, '', `Steps: ${steps}.`];
  if (parameters.length === 0) return lines;
  const rows = parameters.map(([name, parameter]) => describeParameter(name, parameter));
  return [...lines, '', ...formatTable([['Parameter', 'Default', 'Meaning'], ...rows])];
}

function describeParameter(name: string, { default: value, description }: Parameter): string[] {
  const shown = value === undefined ? 'must be given' : value === '' ? 'nothing' : `\`${escapeCell(value)}\``;
  return [`\`${name}\``, shown, escapeCell(description)];
}

function describeNeeds(patch: Patch): string {
  const defaults = listDefaults(patch.parameters);
  const needs = patch.steps.flatMap(({ kind, value }) => {
    const definition = stepKinds.get(kind);
    const parsed = definition?.schema.safeParse(fillValue(value, defaults));
    return definition && parsed?.success ? definition.needs(parsed.data) : [];
  });
  return [...new Set(needs)].join(', ') || 'nothing';
}

function escapeCell(text: string): string {
  return text.replaceAll('|', '\\|').replace(/\s+/g, ' ').trim();
}
