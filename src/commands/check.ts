import { type Command, Option } from 'commander';
import { createErrorReport, MobyPatchError } from '../model/error/error.js';
import { type CommandContext, createReader, openSession } from './shared/context.js';
import { explain, guard } from './shared/errors.js';
import { collect } from './shared/options.js';
import { printJson, printLines, shortenPaths } from './shared/print.js';
import { talk } from './shared/talk.js';

const formats = ['text', 'json', 'github', 'sarif'] as const;

interface Flags {
  readonly format: (typeof formats)[number];
  readonly image?: readonly string[];
  readonly set?: readonly string[];
  readonly strict?: boolean;
  readonly json?: boolean;
}

export function addCheckCommand(command: Command, context: CommandContext, program: Command): void {
  command
    .argument('[patch...]', 'patch folders or ids; default: all that is found in this folder')
    .option('-i, --image <image>', 'also try the patches on this image (repeatable)', collect)
    .option('-s, --set <name=value>', 'with -i: the value of a parameter (repeatable)', collect)
    .option('--strict', 'warnings are errors')
    .addOption(
      new Option('--format <format>', 'how the problems are written').choices(formats).default('text'),
    )
    .option('--json', 'the results as JSON on standard output: --format json')
    .action(
      guard(context, (patches: string[], flags: Flags) =>
        runCheck(patches, { ...flags, version: program.version() ?? '' }, context),
      ),
    );
}

async function runCheck(
  named: readonly string[],
  flags: Flags & { readonly version: string },
  context: CommandContext,
): Promise<void> {
  const { check } = await import('../tasks/check/check.js');
  const { formatGithub, formatSarif, formatText } = await import('../tasks/check/formats.js');
  const session = createReader({}, context);
  const checked = await check({ named, strict: flags.strict }, session);
  const isRight = checked.every(({ problem }) => problem === undefined);
  const results = [...checked, ...(isRight ? await tryOnImage(named, flags, context) : [])];
  const findings = results.flatMap((result) => result.findings);
  const isError = ({ severity }: (typeof findings)[number]) => severity === 'error';
  const errors = findings.filter(isError);
  const wrong = results.filter((result) => result.findings.some(isError));
  const { folder } = session.places;
  const format = flags.json ? 'json' : flags.format;
  if (format === 'json') await printJson(context, { failed: errors.length > 0, results });
  else if (format === 'sarif')
    await printJson(context, formatSarif(findings, { folder, version: flags.version }));
  else if (format === 'github') await printLines(context, formatGithub(findings, folder));
  else {
    const right = results.filter((result) => result.findings.length === 0);
    const warnings = findings.filter(({ severity }) => severity === 'warning');
    const lines = [...right.map(({ kind, name }) => `${kind} ${name}: right`), ...formatText(warnings)];
    await printLines(
      context,
      lines.map((line) => shortenPaths(context, line)),
    );
  }
  if (errors.length === 0) return;
  if (format === 'text') talk(context, shortenPaths(context, formatText(errors).join('\n')));
  const message = `${count(errors.length, 'error')} in ${count(wrong.length, 'file')}`;
  explain(context, createErrorReport(new MobyPatchError('invalid', 'check-failed', message)));
}

function count(number: number, what: string): string {
  return `${number} ${what}${number === 1 ? '' : 's'}`;
}

async function tryOnImage(named: readonly string[], { image, set, strict }: Flags, context: CommandContext) {
  if (image === undefined) return [];
  const { checkInImage } = await import('../tasks/check/check-in-image.js');
  await using session = await openSession({ cache: false }, context, { log: () => {} });
  const { parseSettings } = await import('../setup/flags.js');
  return [await checkInImage({ image, named, settings: set && parseSettings(set), strict }, session)];
}
