import { type Command, Option } from 'commander';
import type { BuildFlags } from '../../setup/build-request.js';
import { addBootOptions, createModeOption } from './build-options.js';
import { addReportOption, collect, parseLevel, type ReportFlags } from './options.js';

export interface TargetFlags {
  readonly image?: string;
  readonly config?: string;
  readonly json?: boolean;
}

export interface DeployFlags extends TargetFlags, ReportFlags, Omit<BuildFlags, 'output' | 'config'> {
  readonly quit?: boolean;
  readonly quiet?: boolean;
  readonly cache: boolean;
}

export function addTargetOptions(command: Command): Command {
  return command
    .option('-i, --image <image>', 'the installed image: a file, or the id of an image definition')
    .option('-c, --config <file>', 'default: moby-patch.yaml of this folder, if there is one')
    .option('--json', 'the outcome as JSON on standard output');
}

/** What decides which patches are wanted. */
export function addWishOptions(command: Command): Command {
  return addTargetOptions(command)
    .option('-p, --patch <patch>', 'a patch folder or the id of a patch (repeatable)', collect)
    .option('-s, --set <name=value>', 'the value of a parameter of a patch (repeatable)', collect)
    .option('--compression <codec>', 'default: what the image has')
    .option('--level <number>', 'of the compression; default: like the image', parseLevel)
    .addOption(createModeOption())
    .option('--single-member', 'one compressed member, for a loader that reads no more');
}

/** All that a build needs, too. */
export function addDeployOptions(command: Command): Command {
  return addReportOption(
    addBootOptions(
      addWishOptions(command)
        .addOption(
          new Option('--engine <name>', 'where commands run').choices(['auto', 'stream', 'docker', 'local']),
        )
        .option('--no-verify', 'do not boot the new image')
        .option('--no-cache', 'use nothing that earlier builds kept, and keep nothing')
        .option('--quit', 'quit the application that boots the image, and start it again afterwards')
        .option('-q, --quiet', 'no progress'),
    ),
  );
}
