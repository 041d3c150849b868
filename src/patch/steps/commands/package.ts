import { z } from 'zod';
import type { At } from '../../system/init/init-system.js';
import { managerNames, type PackageManager } from '../../system/packages/manager.js';
import {
  comparePackages,
  findManagers,
  isInstalled,
  managerPaths,
  readInstalled,
} from '../../system/packages/managers.js';
import {
  chooseDownloads,
  installFiles,
  installPackages,
  removePackages,
} from '../../system/packages/run-manager.js';
import { recordState, removeTraces } from '../../system/packages/traces.js';
import { createStepError } from '../../system/step-context.js';
import { findFile, unchanged } from '../../system/workspace-files.js';
import { defineStep } from '../definition.js';
import { payloadPath, someOf } from '../schemas.js';

const name = z
  .string()
  .max(255)
  .regex(/^[A-Za-z0-9][A-Za-z0-9+._:-]*(=[A-Za-z0-9][A-Za-z0-9+._:~^-]*)?$/, {
    error: 'expected the name of a package, or NAME=VERSION',
  });
const names = z.array(name).min(1);

const file = payloadPath.refine((path) => /[^/]\.(?:apk|deb|rpm|pkg\.tar(?:\.(?:gz|xz|zst))?)$/.test(path), {
  error: 'expected a package file of the patch folder: .apk, .deb, .rpm or .pkg.tar.zst',
});

const schema = () =>
  z
    .strictObject({
      apk: names.optional().describe('Names of Alpine packages.'),
      apt: names.optional().describe('Names of Debian and Ubuntu packages.'),
      dnf: names.optional().describe('Names of Fedora and Red Hat packages, for dnf, microdnf, tdnf or yum.'),
      zypper: names.optional().describe('Names of SUSE packages.'),
      pacman: names.optional().describe('Names of Arch packages.'),
      files: z
        .array(file)
        .min(1)
        .max(100)
        .optional()
        .describe(
          'Package files of the patch folder (.apk, .deb, .rpm, .pkg.tar.zst). An image gets those that its package manager installs, after the packages that are named.',
        ),
      unsigned: z
        .boolean()
        .default(false)
        .describe(
          'Whether package files count without a signature that the image trusts; a .deb and a .pkg.tar have none.',
        ),
      remove: z
        .array(name.regex(/^[^=]*$/, { error: 'expected the name of a package, without a version' }))
        .min(1)
        .optional()
        .describe(
          'Names of packages to remove first, whatever the package manager; one that is not there is none.',
        ),
    })
    .refine(...someOf(...managerNames, 'files', 'remove'))
    .refine((value) => value.unsigned === false || value.files !== undefined, {
      path: ['unsigned'],
      error: 'expected a list "files" beside it, since it is for package files',
    })
    .describe(
      'Installs and removes packages with the package manager of the image. No service is started or enabled by it.',
    );

type Value = z.output<ReturnType<typeof schema>>;

/** What a step asks of the manager that the image has. */
interface Task {
  readonly manager: PackageManager;
  /** `name` or `name=version`. */
  readonly packages: readonly string[];
  /** Names in the patch folder. */
  readonly files: readonly string[];
  readonly remove: readonly string[];
  readonly unsigned: boolean;
}

export const packageStep = defineStep({
  kind: 'package',
  schema,
  describe: (value) => {
    const others = (['files', 'remove'] as const).flatMap((key) =>
      value[key] === undefined ? [] : `${key}: ${value[key].join(' ')}`,
    );
    const lists = [...describeNames(value), ...others];
    return `package ${lists.join('; ')}${value.unsigned ? ' (unsigned)' : ''}`;
  },
  needs: () => ['commands', 'network'],
  reads: () => [...managerPaths, ...unknownManagers.flatMap(({ paths }) => paths)],
  payload: ({ files = [] }) => files.map((each) => ({ name: each, template: false })),
  async foresee(value, context, workspace) {
    await chooseTask(value, { workspace, context });
  },
  async apply(value, context, workspace) {
    // Of several managers, the one that has installed what is to go.
    const findOwner = async (managers: readonly PackageManager[]) => {
      for (const each of managers) {
        const installed = await readInstalled(each, workspace, context);
        if (value.remove?.some((request) => isInstalled(request, installed))) return each;
      }
      return undefined;
    };
    const at = { workspace, context };
    const { manager, packages, files, unsigned, ...task } = await chooseTask(value, at, findOwner);
    const installed = await readInstalled(manager, workspace, context);
    const remove = task.remove.filter((each) => isInstalled(each, installed));
    const install = packages.every((each) => isInstalled(each, installed)) ? [] : packages;
    if (remove.length + install.length + files.length === 0) return unchanged;
    const before = await recordState(workspace);
    const run = { manager, workspace, context };
    const runs = [
      await removePackages(run, remove),
      await installPackages(run, install),
      await installFiles(run, { files, unsigned }),
    ];
    const after = await readInstalled(manager, workspace, context);
    const notes = await removeTraces(manager, { workspace, before, stamp: context.stamp });
    const added = comparePackages(installed, after);
    // Those of a later run have those of an earlier one among them.
    const kept = runs.findLast((each) => each.downloads.length > 0)?.downloads ?? [];
    const downloads = chooseDownloads(manager, { downloads: kept, packages: added, files });
    const output = runs.map((each) => each.output).join('');
    return { changed: true, notes, packages: added, downloads, output };
  },
});

/** Managers that get the same names share them: `apk, apt: curl strace`. */
function describeNames(value: Value): string[] {
  const managers = new Map<string, string[]>();
  for (const manager of managerNames) {
    const listed = value[manager]?.join(' ');
    if (listed !== undefined) managers.set(listed, [...(managers.get(listed) ?? []), manager]);
  }
  return [...managers].map(([listed, own]) => `${own.join(', ')}: ${listed}`);
}

/** Errors: `package-manager`; `package-unsigned`. */
async function chooseTask(
  value: Value,
  { workspace, context }: At,
  findOwner?: (managers: readonly PackageManager[]) => Promise<PackageManager | undefined>,
): Promise<Task> {
  const managers = await findManagers(workspace);
  const filesOf = ({ suffixes }: PackageManager) =>
    (value.files ?? []).filter((each) => suffixes.some((suffix) => each.endsWith(suffix)));
  const isNamed = managerNames.some((each) => value[each]) || value.files !== undefined;
  const manager =
    managers.find(({ name }) => value[name]) ??
    managers.find((each) => filesOf(each).length > 0) ??
    (isNamed ? undefined : ((await findOwner?.(managers)) ?? managers[0]));
  if (manager === undefined) throw await createChoiceError(value, { context, workspace }, managers);
  const files = filesOf(manager);
  const [first] = files;
  if (first !== undefined && !manager.checksFiles && !value.unsigned)
    throw createStepError(
      context,
      'package-unsigned',
      `package: ${first} has no signature that ${manager.name} could check`,
      { hint: 'write "unsigned: true" into the step if you trust the file for where you have it from' },
    );
  const { remove = [], unsigned } = value;
  return { manager, packages: value[manager.name] ?? [], files, remove, unsigned };
}

/** Managers that the step does not know, and how each installs a package. */
const unknownManagers = [
  { paths: ['bin/opkg', 'usr/bin/opkg'], command: 'opkg install' },
  { paths: ['usr/bin/xbps-install'], command: 'xbps-install -y' },
  { paths: ['usr/bin/emerge'], command: 'emerge' },
] as const;

async function createChoiceError(
  value: Value,
  { context, workspace }: At,
  managers: readonly PackageManager[],
) {
  const [first] = managers;
  if (first === undefined) {
    const wanted = `wanted ${managerNames.slice(0, -1).join(', ')} or ${managerNames.at(-1)}`;
    for (const { paths, command } of unknownManagers) {
      const path = await findFile(workspace, paths);
      if (path === undefined) continue;
      const message = `package: found ${path} in the image, which this step does not know, ${wanted}`;
      const hint = `run it in a step: - run: {script: ${command} NAME, network: true}`;
      return createStepError(context, 'package-manager', message, { hint });
    }
    return createStepError(
      context,
      'package-manager',
      `package: found no package manager in the image, ${wanted}`,
      { hint: 'add the files with "file" steps instead' },
    );
  }
  const names = managerNames.filter((each) => value[each]);
  const has = [
    ...(names.length > 0 ? [`names for ${names.join(' and ')}`] : []),
    ...(value.files === undefined ? [] : [`the files ${value.files.join(' ')}`]),
  ].join(' and ');
  return createStepError(
    context,
    'package-manager',
    `package: found ${managers.map(({ name }) => name).join(' and ')} in the image, but the step has ${has} only`,
    { hint: `add a list of names to the step: ${first.name}: [...]` },
  );
}
