import { z } from 'zod';
import type { Parameter, Patch } from '#src/model/patch/patch.js';
import { listNeeds } from '#src/patch/describe-patch.js';
import { formatValue } from '#src/patch/language/expressions.js';
import { patchSchema } from '#src/patch/language/patch-schema.js';
import { whenSchema } from '#src/patch/language/when.js';
import { stepDefinitions } from '#src/patch/steps/registry.js';
import { configurationSchema } from '#src/setup/configuration.js';
import { type PublishedSchema, publishedSchemas } from '../../report/published-schemas.js';

/** Of the formatter of this project. */
const lineWidth = 110;

/** The text of schema/patch.schema.json, for editors. */
export function formatPatchSchema(): string {
  const step = z.union(
    [...stepDefinitions.values()].map(({ kind, schema }) =>
      z.strictObject({ when: whenSchema.optional(), [kind]: schema }),
    ),
  );
  const schema = patchSchema.safeExtend({ steps: z.array(step).max(1000).default([]) });
  return formatJsonSchema('A patch of moby-patch: patch.yaml', schema);
}

/** The text of schema/moby-patch.schema.json, for editors. */
export function formatConfigurationSchema(): string {
  return formatJsonSchema('What a bare moby-patch build does: moby-patch.yaml', configurationSchema);
}

/** The texts of the schemas of what this program writes for others, by the name of the file. */
export const resultSchemas: ReadonlyMap<string, string> = new Map(
  publishedSchemas.map((each) => [each.name, formatJsonSchema(nameValues(each), each.schema)]),
);

/** `What moby-patch ls prints with --json, version 1`. */
function nameValues({ commands, also }: PublishedSchema): string {
  const printed = commands.length > 0 ? [`what moby-patch ${commands.join(' and ')} prints with --json`] : [];
  const text = [...printed, also ?? []].flat().join(', and ').replaceAll('`', '');
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}, version 1`;
}

/** The table of docs/json.md. */
export function describeSchemas(): string {
  const rows = publishedSchemas.map(({ name, commands, also }) => [
    [...commands.map((command) => `\`${command}\``), ...(also === undefined ? [] : [also])].join(', '),
    `[${name}](../schema/${name}.schema.json)`,
  ]);
  return `\n${formatTable([['Value', 'Schema'], ...rows]).join('\n')}\n\n`;
}

/** As the formatter of this project writes it, with a list of plain values on one line. */
function formatJsonSchema(title: string, schema: z.ZodType): string {
  const value = {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title,
    ...z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }),
  };
  const lists = /\[\s*((?:"[^"]*"|[0-9]+)(?:,\s*(?:"[^"]*"|[0-9]+))*)\s*\]/g;
  const text = JSON.stringify(value, null, 2);
  const join = (list: string, items: string, at: number) => {
    const line = `[${items.replace(/,\s+/g, ', ')}]`;
    const before = at - text.lastIndexOf('\n', at) - 1;
    const comma = text[at + list.length] === ',' ? 1 : 0;
    return before + line.length + comma > lineWidth ? list : line;
  };
  return `${text.replace(lists, join)}\n`;
}

/** The text of patches/README.md. */
export function describePatches(patches: readonly Patch[]): string {
  const rows = patches.map((patch) => [
    `[${patch.id}](${patch.id}/)`,
    escapeCell(patch.title),
    listNeeds(patch).join(', ') || 'nothing',
  ]);
  return [
    '# Patches',
    '',
    'Generated from the patch.yaml files. Edit those, not this page.',
    '',
    ...formatTable([['Patch', 'What it does', 'Needs'], ...rows]),
    ...patches.flatMap(describePatch),
    '',
  ].join('\n');
}

/** The table of docs/patches.md. */
export function describeGallery(patches: readonly Patch[]): string {
  const rows = patches.map((patch) => [
    `[\`${patch.id}\`](../patches/${patch.id}/README.md)`,
    escapeCell(patch.title),
    Object.keys(patch.parameters)
      .map((name) => `\`${name}\``)
      .join(' '),
    listNeeds(patch).join(', ') || 'nothing',
  ]);
  return `\n${formatTable([['Patch', 'What it does', 'Parameters', 'Needs'], ...rows]).join('\n')}\n\n`;
}

/** A table with aligned columns, as the formatter of this project writes it. */
export function formatTable(rows: readonly (readonly string[])[]): string[] {
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
  const text = value === undefined ? undefined : formatValue(value);
  const shown = text === undefined ? 'required' : text === '' ? 'nothing' : `\`${escapeCell(text)}\``;
  return [`\`${name}\``, shown, escapeCell(description)];
}

export function escapeCell(text: string): string {
  return text.replaceAll('|', '\\|').replace(/\s+/g, ' ').trim();
}
