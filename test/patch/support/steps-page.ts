// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the notation of patch files
import { existsSync, readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { z } from 'zod';
import { type InitName, initNames } from '#src/model/patch/init.js';
import { stepDefinitions } from '#src/patch/steps/registry.js';
import { facilities } from '#src/patch/system/init/facilities.js';
import { stages } from '#src/patch/system/initramfs/stages.js';
import { slimParts } from '#src/patch/system/slim/parts.js';
import { escapeCell, formatTable } from './generated-texts.js';

interface JsonSchema {
  readonly type?: string;
  readonly description?: string;
  readonly default?: unknown;
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly items?: JsonSchema;
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly required?: readonly string[];
  readonly anyOf?: readonly JsonSchema[];
  readonly additionalProperties?: JsonSchema | boolean;
}

/** The text of docs/steps.md. `cases`: the folder with an example of each kind. */
export function describeSteps(cases: string): string {
  const kinds = [...stepDefinitions.values()];
  return [
    '# Steps',
    '',
    'Generated from the schemas of the steps and the cases of their tests. Edit those, not this page.',
    '',
    'A patch is a list of steps, which are applied in order. A step that finds its work done changes nothing. Every path is one in',
    'the image, with or without a slash in front. A placeholder `${name}` in a text stands for the value of a parameter.',
    '',
    `There are ${kinds.map(({ kind }) => `[${kind}](#${kind})`).join(', ')}.`,
    ...kinds.flatMap(({ kind, schema }) => {
      const json = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }) as JsonSchema;
      return [
        '',
        `## ${kind}`,
        '',
        json.description ?? '',
        ...describeFields(json),
        ...showExample(cases, kind),
        ...showInits(cases, kind),
        ...showFacilities(kind),
        ...showStages(kind),
        ...showParts(kind),
      ];
    }),
    '',
  ].join('\n');
}

function describeFields(json: JsonSchema): string[] {
  const branches = json.anyOf ?? [json];
  const map = branches.find(({ properties }) => properties !== undefined);
  const others = branches.filter((branch) => branch !== map);
  const [record] = others.filter((branch) => typeof branch.additionalProperties === 'object');
  const short = others.filter((branch) => branch !== record && branch.type !== 'null');
  const lines =
    record === undefined
      ? []
      : ['', `A map of names to ${nameType(record.additionalProperties as JsonSchema)}.`];
  if (short.length > 0)
    lines.push('', `${map === undefined ? 'It is' : 'It is a map, or'} ${short.map(nameType).join(' or ')}.`);
  if (map === undefined) return lines;
  const rows = Object.entries(map.properties ?? {}).map(([name, field]) => [
    `\`${name}\``,
    escapeCell(nameType(field)),
    showDefault(field, map.required?.includes(name) ?? false),
    escapeCell(field.description ?? ''),
  ]);
  return [...lines, '', ...formatTable([['Key', 'Type', 'Default', 'Meaning'], ...rows])];
}

const types: Readonly<Record<string, string>> = {
  string: 'a text',
  integer: 'a number',
  number: 'a number',
  boolean: 'true or false',
  object: 'a map',
  null: 'nothing',
};

function nameType(schema: JsonSchema): string {
  if (schema.const !== undefined) return `\`${String(schema.const)}\``;
  if (schema.enum !== undefined) return schema.enum.map((each) => `\`${String(each)}\``).join(' or ');
  if (schema.anyOf !== undefined) return [...new Set(schema.anyOf.map(nameType))].join(' or ');
  if (schema.type === 'array')
    return `a list: ${schema.items === undefined ? 'anything' : nameType(schema.items)}`;
  return types[schema.type ?? ''] ?? 'anything';
}

function showDefault({ default: value }: JsonSchema, isRequired: boolean): string {
  if (value === undefined) return isRequired ? 'required' : '';
  const text = JSON.stringify(value);
  return ['[]', '{}', '""'].includes(text) ? 'nothing' : `\`${text.replaceAll('"', '')}\``;
}

const initTitles = { openrc: 'OpenRC', systemd: 'systemd', sysvinit: 'sysvinit', busybox: 'busybox init' };

/** Names that mean the same with every init system. */
function showFacilities(kind: string): string[] {
  if (kind !== 'service') return [];
  const rows = [...facilities].map(([name, { openrc, systemd, lsb }]) => [name, openrc, systemd, lsb]);
  const code = rows.map((row) => row.map((cell) => `\`${cell}\``));
  const head = ['In `needs`, `after`, `before`', 'OpenRC', 'systemd', 'LSB header'];
  return ['', ...formatTable([head, ...code])];
}

/** The common names of stages. */
function showStages(kind: string): string[] {
  if (kind !== 'hook') return [];
  const code = (text: string | undefined) => (text === undefined ? '' : `\`${text}\``);
  const rows = [...stages].map(([name, names]) => [
    code(name),
    names.when,
    code(names['initramfs-tools']),
    code(names.dracut),
    hookPlaces[names.init ?? ''] ?? '',
  ]);
  const head = ['Stage', 'When', 'initramfs-tools', 'dracut', 'mkinitfs, plain `/init`'];
  return [
    '',
    ...formatTable([head, ...rows]),
    '',
    'The script is `etc/moby-patch/hooks/NAME`. initramfs-tools runs it by `scripts/STAGE/NAME` and a line of the file ORDER beside it,',
    'dracut by `lib/dracut/hooks/STAGE/50-NAME.sh`. Their own names of stages (`local-top`, `pre-udev`) are taken as well.',
    'What a hook prints is on the console, but for dracut, where it is in the journal: `>/dev/console` shows it.',
  ];
}

/** What each name of `slim` takes out. */
function showParts(kind: string): string[] {
  if (kind !== 'slim') return [];
  const rows = Object.entries(slimParts).map(([name, { meaning, folders }]) => [
    `\`${name}\``,
    meaning,
    folders.map((folder) => `\`${folder}\``).join(', '),
  ]);
  const modules = 'Modules of kernels other than those that stay: see `kernel`.';
  return [
    '',
    ...formatTable([
      ['Name', 'What goes', 'Where'],
      ...rows,
      ['`other-modules`', modules, '`lib/modules`, `usr/lib/modules`'],
    ]),
    '',
    'Only regular files and symlinks go, and folders that become empty; no symlink is followed. `plan` tells the bytes of the steps before the',
    'first command. What `etc/default/locale` names stays with `locales`; a compiler in the image keeps `static-libraries` and `headers`.',
  ];
}

const hookPlaces: Readonly<Record<string, string>> = {
  start: 'the second line of a script; a script in front of another program',
  switch_root: 'in front of `exec switch_root`',
};

/** What the steps of the case become on each init system, from the code itself. */
function showInits(cases: string, kind: string): string[] {
  const definition = stepDefinitions.get(kind);
  const folder = ['inits', 'right']
    .map((name) => `${cases}/${kind}/${name}`)
    .find((path) => existsSync(path));
  if (definition?.becomes === undefined || folder === undefined) return [];
  const { steps } = parse(readFileSync(`${folder}/patch.yaml`, 'utf8')) as {
    readonly steps: readonly Readonly<Record<string, unknown>>[];
  };
  const rows = steps.flatMap((step) => {
    const parsed = definition.schema.safeParse(step[kind]);
    if (!parsed.success) return [];
    const title = escapeCell(`\`${definition.describe(parsed.data)}\``);
    const lines = (init: InitName) =>
      (definition.becomes?.(parsed.data, init) ?? []).map(escapeCell).join('; ');
    return [[title, ...initNames.map(lines)]];
  });
  return [
    '',
    'What it becomes, by the init system of the image:',
    ...rows.flatMap(([title = '', ...cells]) => [
      '',
      `- ${title}`,
      ...cells.map((cell, index) => `  - ${initTitles[initNames[index] ?? 'openrc']}: ${cell}`),
    ]),
  ];
}

/** The steps of the case, and what they write. */
function showExample(cases: string, kind: string): string[] {
  const folder = `${cases}/${kind}/right`;
  if (!existsSync(`${folder}/patch.yaml`)) return [];
  const yaml = readFileSync(`${folder}/patch.yaml`, 'utf8');
  const steps = yaml.slice(yaml.indexOf('steps:\n')).trimEnd();
  const lines = ['', '```yaml', steps, '```'];
  if (!existsSync(`${folder}/after.txt`)) return lines;
  const changes = readFileSync(`${folder}/after.txt`, 'utf8').split('\n');
  const paths = changes.flatMap((line) => /^(?:file|symlink|directory) (\S+)/.exec(line)?.[1] ?? []);
  const leaves = paths.filter((path) => !paths.some((other) => other.startsWith(`${path}/`)));
  return leaves.length === 0
    ? lines
    : [...lines, '', `This writes ${leaves.map((path) => `\`${path}\``).join(', ')}.`];
}
