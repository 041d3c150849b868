import { dirname } from 'node:path';
import type { Command } from 'commander';
import { type CommandContext, createReader, openSession } from './shared/context.js';
import { explain, guard } from './shared/errors.js';
import { collect } from './shared/options.js';
import { printJson, printLines, shortenPaths } from './shared/print.js';

interface ListFlags {
  readonly json?: boolean;
}

interface ShowFlags extends ListFlags {
  readonly image?: readonly string[];
  readonly set?: readonly string[];
}

export function addPatchesCommand(command: Command, context: CommandContext): void {
  const patches = command
    .option('--json', 'the patches as JSON on standard output')
    .action(guard(context, (flags: ListFlags) => runPatches(flags, context)));
  const show = guard(context, (name: string, flags: ShowFlags) => runShow(name, flags, context));
  patches
    .command('show')
    .description('explain a patch: parameters, rights, steps, and what it would do to an image')
    .argument('<patch>', 'patch folder or id')
    .option('-i, --image <image>', 'also show the steps that it would do to this image (repeatable)', collect)
    .option('-s, --set <name=value>', 'with -i: the value of a parameter (repeatable)', collect)
    .option('--json', 'the explanation as JSON on standard output')
    // Both commands have --json, and the outer one takes it.
    .action((name: string, _: ShowFlags, command: Command) => show(name, command.optsWithGlobals()));
}

async function runPatches({ json }: ListFlags, context: CommandContext): Promise<void> {
  const { findAllPatches } = await import('../tasks/patches/find-all-patches.js');
  const patches = await findAllPatches(createReader({}, context));
  if (json) return printJson(context, { patches });
  const { renderPatches } = await import('../report/patches.js');
  const lines = renderPatches(patches);
  await printLines(
    context,
    lines.map((line) => shortenPaths(context, line)),
  );
}

async function runShow(name: string, flags: ShowFlags, context: CommandContext): Promise<void> {
  const { findPatch } = await import('../patch/language/find-patches.js');
  const { loadPatch } = await import('../patch/language/load-patch.js');
  const { describePatch } = await import('../patch/describe-patch.js');
  const { locatePatch } = await import('../setup/named-patches.js');
  const { places } = createReader({}, context);
  const folder = await findPatch(locatePatch(name, places.folder), [...places.patches, places.folder]);
  const patch = { ...describePatch(await loadPatch(folder)), image: await planImage(folder, flags, context) };
  if (flags.json) await printJson(context, patch);
  else {
    const { renderPatch } = await import('../report/patches.js');
    const lines = renderPatch(patch, { isOwn: dirname(folder) !== places.patches.at(-1) });
    await printLines(
      context,
      lines.map((line) => shortenPaths(context, line)),
    );
  }
  for (const problem of patch.image?.problems ?? []) explain(context, problem);
}

async function planImage(patch: string, { image, set = [] }: ShowFlags, context: CommandContext) {
  if (image === undefined) return undefined;
  const { planOnImage } = await import('../tasks/patches/plan-on-image.js');
  await using session = await openSession({ cache: false }, context, { log: () => {} });
  const { parseSettings } = await import('../setup/flags.js');
  return planOnImage({ image, patch, settings: parseSettings(set) }, session);
}
