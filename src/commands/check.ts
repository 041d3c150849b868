import type { Command } from 'commander';
import { createErrorReport, MobyPatchError } from '../model/error.js';
import { type CommandContext, createReader } from './shared/context.js';
import { explain, guard } from './shared/errors.js';
import { printJson, printLines } from './shared/print.js';

interface Checked {
  readonly kind: 'patch' | 'image' | 'configuration';
  readonly name: string;
  readonly problem?: string | undefined;
}

export function addCheckCommand(program: Command, context: CommandContext): void {
  program
    .command('check')
    .description('check patches, image definitions and the configuration: every error at once')
    .argument('[patch...]', 'patch folders or ids; without any: all that can be found')
    .option('--json', 'the results as JSON on standard output')
    .action(
      guard(context, (patches: string[], flags: { json?: boolean }) => runCheck(patches, flags, context)),
    );
}

async function runCheck(
  named: readonly string[],
  flags: { json?: boolean },
  context: CommandContext,
): Promise<void> {
  const { findPatch, listPatches } = await import('../patch/language/find-patches.js');
  const { loadPatch } = await import('../patch/language/load-patch.js');
  const { loadDefinition } = await import('../catalog/definition.js');
  const { listDefinitions } = await import('../catalog/find-image.js');
  const { loadConfiguration } = await import('../setup/configuration.js');
  const { places } = createReader(context);
  const results: Checked[] = [];
  const check = async (kind: Checked['kind'], name: string, work: () => Promise<unknown>) => {
    results.push({ kind, name, problem: await explainFailure(work) });
  };
  const patches = named.length > 0 ? named : [...(await listPatches(places.patches)).values()];
  for (const name of patches)
    await check('patch', name, async () => loadPatch(await findPatch(name, places.patches)));
  if (named.length === 0) {
    for (const file of (await listDefinitions(places.images)).values())
      await check('image', file, () => loadDefinition(file));
    await check('configuration', 'moby-patch.yaml', () => loadConfiguration(context.folder, undefined));
  }
  const problems = results.flatMap(({ problem }) => (problem === undefined ? [] : [problem]));
  if (flags.json) await printJson(context, { failed: problems.length > 0, results });
  else
    await printLines(
      context,
      results
        .filter(({ problem }) => problem === undefined)
        .map(({ kind, name }) => `${kind} ${name}: right`),
    );
  if (problems.length > 0)
    explain(context, createErrorReport(new MobyPatchError('invalid', 'check-failed', problems.join('\n'))));
}

async function explainFailure(work: () => Promise<unknown>): Promise<string | undefined> {
  try {
    await work();
    return undefined;
  } catch (error) {
    if (error instanceof MobyPatchError) return error.message;
    throw error;
  }
}
