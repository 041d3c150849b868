import { z } from 'zod';
import type { Parameter, Patch } from '#src/model/patch/patch.js';
import { listNeeds } from '#src/patch/describe-patch.js';
import { formatValue } from '#src/patch/language/expressions.js';
import { patchSchema } from '#src/patch/language/patch-schema.js';
import { whenSchema } from '#src/patch/language/when.js';
import { stepDefinitions } from '#src/patch/steps/registry.js';
import { configurationSchema } from '#src/setup/configuration.js';
import { bootSchema } from '../../report/boot-schema.js';
import { errorSchema } from '../../report/error-schema.js';
import { fleetSchema } from '../../report/fleet-schema.js';
import { overlaysSchema } from '../../report/overlays-schema.js';
import { patchesSchema } from '../../report/patches-schema.js';
import { bisectionSchema, explanationSchema, matrixSchema } from '../../report/proof-schemas.js';
import { targetsSchema } from '../../report/targets-schema.js';

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

/** The text of schema/boot.schema.json, for programs that read `verify --json`. */
export function formatBootSchema(): string {
  return formatJsonSchema('The boot of an image, version 1: moby-patch verify --json', bootSchema);
}

/** The texts of the schemas of what commands print with `--json`, by the name of the file. */
export const resultSchemas: ReadonlyMap<string, string> = new Map([
  [
    'error',
    formatJsonSchema(
      'What a command that has nothing else to say prints with --json, version 1',
      errorSchema,
    ),
  ],
  ['bisect', formatJsonSchema('What moby-patch bisect --json prints, version 1', bisectionSchema)],
  ['matrix', formatJsonSchema('What moby-patch matrix --json prints, version 1', matrixSchema)],
  ['targets', formatJsonSchema('What moby-patch build --all --json prints, version 1', targetsSchema)],
  ['overlays', formatJsonSchema('What moby-patch build --for-each --json prints, version 1', overlaysSchema)],
  ['fleet', formatJsonSchema('What moby-patch fleet status --json prints, version 1', fleetSchema)],
  ['explain', formatJsonSchema('What moby-patch explain --json prints, version 1', explanationSchema)],
  [
    'patches',
    formatJsonSchema(
      'Patches, version 1: moby-patch patches --json, and patches show ID --json',
      patchesSchema,
    ),
  ],
]);

/** As the formatter of this project writes it, with a list of plain values on one line. */
function formatJsonSchema(title: string, schema: z.ZodType): string {
  const value = {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title,
    ...z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }),
  };
  const lists = /\[\s*((?:"[^"]*"|[0-9]+)(?:,\s*(?:"[^"]*"|[0-9]+))*)\s*\]/g;
  const text = JSON.stringify(value, null, 2);
  const join = (list: string, items: string) => {
    const line = `[${items.replace(/,\s+/g, ', ')}]`;
    return line.length > 90 ? list : line;
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
