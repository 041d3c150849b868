import { isAbsolute, join, relative, sep } from 'node:path';
import type { Parameter } from '../../model/patch/patch.js';
import { formatValue } from '../../patch/language/expressions.js';
import { nameSecretVariable } from '../../patch/language/parameters.js';

export const exampleId = 'example';

export interface ProjectTextOptions {
  /** The project's folder, and the one of the program's JSON schemas. */
  readonly folder: string;
  readonly schemas: string;
  readonly image: string;
  /** The ids of all image definitions, and of all patches. */
  readonly images: readonly string[];
  readonly ids: readonly string[];
  /** The kernel as the user named it, and the one beside the image. */
  readonly kernel: string | undefined;
  readonly kernelBeside: string | undefined;
  /** As the file names them, and their parameters. */
  readonly patches: readonly string[];
  readonly parameters: readonly (readonly [string, Parameter])[];
  readonly settings: Readonly<Record<string, string>>;
  readonly output: string;
}

/** A moby-patch.yaml; each line that begins with `# name:` is also valid without the `# `. */
export function createConfigurationText(options: ProjectTextOptions): string {
  const { folder, schemas, image, images, ids, kernel, kernelBeside, patches, output } = options;
  return `# yaml-language-server: $schema=${locateSchema('moby-patch', folder, schemas)}
#
# What a bare \`moby-patch build\` does in this folder. Options of the command line override this file;
# \`moby-patch check\` finds mistakes. Relative paths start in the folder of this file.

# The stock image: a file, or the id of a definition (${images.join(', ')}).
image: ${quote(image)}

# The kernel that boots the new image before it is put in place. Default: ${kernelBeside === undefined ? 'that of the definition, or the one beside the image' : `${toLine(kernelBeside)}, beside the image`}.
${kernel === undefined ? `# kernel: ${quote(kernelBeside ?? 'vmlinuz')}` : `kernel: ${quote(kernel)}`}

# Folders of patches, or ids: folders in patches/, or patches of the program (${ids.join(', ')}).
patches: [${patches.map(quote).join(', ')}]

# Values of the parameters of the patches.
${listSettings(options).join('\n')}
${listSecrets(options).join('')}
output: ${quote(output)}

# Where commands run: auto, stream (runs none: files only), docker or local.
# engine: auto

# rewrite what the patches touch, append to the unchanged image, or auto: append where that is possible.
# mode: rewrite

# Default: those of the image.
# compression: gzip
# level: 6

# How the new image is booted: kernel arguments, MiB, seconds, and a console line that a good boot shows.
# cmdline: console=ttyS0
# memory: 512
# timeout: 300
# expect: ["login:"]
`;
}

/** A parameter without a value is a comment with its default, which saves looking it up. */
function listSettings({ parameters, settings }: ProjectTextOptions): string[] {
  const given = Object.entries(settings).map(([name, value]) => `  ${quote(name)}: ${quoteText(value)}`);
  const others = parameters
    .filter(([, { secret }]) => !secret)
    .filter(([name]) => !Object.keys(settings).some((key) => key === name || key.endsWith(`.${name}`)))
    .map(
      ([name, { default: value = '', description }]) =>
        `#  ${quote(name)}: ${quoteText(formatValue(value))} # ${toLine(description)}`,
    );
  return [given.length === 0 ? '# settings:' : 'settings:', ...given, ...others];
}

/** Where builds get them: their values stand in no file of a project. */
function listSecrets({ parameters }: ProjectTextOptions): string[] {
  const secrets = parameters.filter(([, { secret }]) => secret);
  if (secrets.length === 0) return [];
  return [
    '\n# Where the values of secrets come from: file: PATH, or env: VARIABLE. Without it, $MOBY_PATCH_SECRET_NAME or a question.\n',
    '# secrets:\n',
    ...secrets.map(
      ([name, { description }]) =>
        `#  ${quote(name)}: {env: ${quote(nameSecretVariable(name))}} # ${toLine(description)}\n`,
    ),
  ];
}

/** The patch.yaml of the example; each line that begins with `#  - ` is a valid step without the `#`. */
export function createPatchText(schemas: string, folder: string): string {
  return `# yaml-language-server: $schema=${locateSchema('patch', folder, schemas, join(folder, 'patches', exampleId))}
#
# What is done to the image, from first to last. The name of this folder is the id of the patch: to make it a patch
# of your own, change both. \`moby-patch plan\` shows what would be done, \`moby-patch build\` does it.
title: Put a file into the image

# Values from outside, like \`\${greeting}\` below: \`moby-patch build -s greeting=...\`, or settings: in moby-patch.yaml.
parameters:
  greeting:
    default: hello
    description: What the file says

steps:
  # Instead of \`content\`, \`from: files/NAME\` takes a file of this folder.
  - file: { path: etc/moby-patch-example, content: "\${greeting}\\n", mode: 0o644 }

# More steps: remove the # to use one. Packages and commands need Docker, or Linux and root.
#  - directory: { path: etc/example.d, mode: 0o755 }
#  - symlink: { path: etc/example, target: example.d }
#  - replace: { path: etc/issue, text: Debian, with: "Debian, patched" }
#  - remove: { path: etc/motd, missing: ok }
#  - package: { apt: [curl], apk: [curl] }
#  - run: ldconfig

# What the guest must show when the new image boots: a file, or \`- console: REGEX\`.
expects:
  - file: /etc/moby-patch-example
    content: "\${greeting}\\n"
`;
}

/** Where editors find the schemas of the package when the program is not in the project: no path of one machine. */
const published = 'https://unpkg.com/moby-patch@0/schema';

/** A relative path when the program is inside the project, so that copies of the project work; `from`: the file's folder. */
function locateSchema(name: string, project: string, schemas: string, from = project): string {
  const path = join(schemas, `${name}.schema.json`);
  const inside = relative(project, path);
  const isInside = !isAbsolute(inside) && inside.split(sep)[0] !== '..';
  return isInside ? relative(from, path).split(sep).join('/') : `${published}/${name}.schema.json`;
}

/** A text in YAML: plain where YAML reads it as that text, else as JSON, which is YAML. */
function quote(text: string): string {
  return /^[A-Za-z_./][\w./@-]*$/.test(text) && !/^(true|false|null|yes|no|on|off|\.(inf|nan))$/i.test(text)
    ? text
    : quoteText(text);
}

function quoteText(text: string): string {
  return JSON.stringify(text);
}

function toLine(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is removed
  return text.replace(/[\x00-\x20\x7f-\x9f]+/g, ' ').trim();
}
