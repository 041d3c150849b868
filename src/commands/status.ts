import type { Command } from 'commander';
import type { Status } from '../model/deployment.js';
import { exitCodes, MobyPatchError } from '../model/error.js';
import type { BuildFlags } from '../setup/build-request.js';
import { type CommandContext, withLimits } from './shared/context.js';
import { addWishOptions, type TargetFlags } from './shared/deploy-options.js';
import { guard } from './shared/errors.js';
import { addLimitOptions, type LimitFlags } from './shared/limit-options.js';
import { printJson, printLines } from './shared/print.js';

type Flags = TargetFlags & LimitFlags & Omit<BuildFlags, 'output' | 'verify'>;

export function addStatusCommand(program: Command, context: CommandContext): void {
  addLimitOptions(
    addWishOptions(
      program
        .command('status')
        .description(
          'say where the installed image stands; exit 0 when the wanted patches are in it, else 3',
        ),
    ).option('--kernel <file>', 'the kernel that boots the image'),
  ).action(guard(context, (flags: Flags) => runStatus(flags, withLimits(flags, context))));
}

async function runStatus(flags: Flags, context: CommandContext): Promise<void> {
  const status = await findStatus(flags, context);
  if (flags.json) await printJson(context, status);
  else {
    await printLines(context, [`${status.status}: ${status.name}: ${status.reason}`]);
    if (status.next !== undefined) await printLines(context, [`  next: ${status.next}`]);
  }
  if (!status.wanted) context.setExitCode(exitCodes.unwanted);
}

async function findStatus(flags: Flags, context: CommandContext) {
  const { findTarget, fillWish, readWish } = await import('./installed-image.js');
  const { assessImage } = await import('./assess-image.js');
  try {
    const target = await findTarget(flags, context, (line) => context.stderr.write(`${line}\n`));
    const { found, folder, installed, state, name } = target;
    const wish = await fillWish({ ...flags, image: flags.image ?? name }, target, context);
    const asked = wish.hasWish && installed !== undefined ? await readWish(wish, context) : undefined;
    const { deployment, ...status } = await assessImage(target, asked, context);
    return {
      ...status,
      // To be typed as it stands: what was named here must be named there, too.
      next:
        flags.image === undefined
          ? status.next
          : status.next?.replaceAll(/moby-patch \w+/g, `$& -i ${flags.image}`),
      wanted: status.status === 'patched',
      name,
      image: folder.image,
      generation: found?.generation,
      version: found?.version,
      sha256: installed?.sha256,
      size: installed?.size,
      state: folder.path,
      rebuilt: state.rebuilt,
      deployment,
    };
  } catch (error) {
    return { ...explainAbsence(error), wanted: false, name: flags.image ?? 'the image' };
  }
}

/** What `findImage` refuses is an answer here. */
function explainAbsence(error: unknown): Status {
  if (!(error instanceof MobyPatchError)) throw error;
  const { code, message } = error;
  if (code === 'image-unsupported') return { status: 'unsupported', reason: message };
  if (code !== 'image-not-installed') throw error;
  return { status: 'missing', reason: message, next: 'install the application that brings it, or -i FILE' };
}
