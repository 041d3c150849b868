import { type Command, Option } from 'commander';
import type { TargetOptions } from '../../deploy/target.js';
import type { BuildFlags } from '../../setup/flags.js';
import {
  addBootOptions,
  addStepLimitOptions,
  createAcceptOption,
  createDropOption,
  createModeOption,
  createSecretOption,
  createSignOption,
} from './build-options.js';
import type { SessionFlags } from './context.js';
import type { LimitFlags } from './limit-options.js';
import { addReportOption, collect, parseCount, parseLevel, type ReportFlags } from './options.js';

export interface TargetFlags extends TargetOptions {
  readonly json?: boolean;
}

type Named = Omit<BuildFlags, 'output' | 'split' | 'locked' | 'config' | 'image'>;

export interface RequestFlags extends TargetFlags, Omit<Named, 'verify' | 'kernel'>, LimitFlags {}

export interface DeployFlags extends TargetFlags, Omit<Named, 'kernel'>, ReportFlags, SessionFlags {
  readonly quit?: boolean;
  readonly quiet?: boolean;
}

export interface ReapplyFlags extends DeployFlags {
  readonly settle?: number;
  readonly strict?: boolean;
}

export function addTargetOptions(command: Command): Command {
  return command
    .option('-i, --image <image>', 'the installed image: a file, or the id of an image definition')
    .option('-c, --config <file>', 'default: moby-patch.yaml of this folder, if there is one')
    .option('--json', 'the outcome as JSON on standard output');
}

/** Options that decide which patches are wanted. */
export function addRequestOptions(command: Command): Command {
  return addTargetOptions(command)
    .option('-p, --patch <patch>', 'a patch folder or the id of a patch (repeatable)', collect)
    .option('-s, --set <name=value>', 'the value of a parameter of a patch (repeatable)', collect)
    .addOption(createSecretOption())
    .option('--compression <codec>', 'default: what the image has')
    .option('--level <number>', 'of the compression; default: like the image', parseLevel)
    .addOption(createModeOption())
    .option('--single-member', 'one compressed member, for a loader that reads only one');
}

/** Options that decide which patches are wanted, how the image is built and how it is booted. */
export function addDeployOptions(command: Command): Command {
  return addReportOption(
    addBootOptions(
      addStepLimitOptions(addRequestOptions(command))
        .addOption(
          new Option('--engine <name>', 'where commands run').choices(['auto', 'stream', 'docker', 'local']),
        )
        .addOption(createAcceptOption())
        .addOption(createSignOption())
        .addOption(createDropOption())
        .option('--no-verify', 'do not boot the new image')
        .option('--no-cache', 'use nothing from the build cache, and add nothing to it')
        .option('--quit', 'quit the application that boots the image, and start it again afterwards')
        .option('-q, --quiet', 'print nothing but errors'),
    ),
  );
}

export function addReapplyOptions(command: Command): Command {
  return addDeployOptions(command)
    .option('--settle <seconds>', 'first wait until nothing has written to the image for so long', parseCount)
    .option('--strict', 'refuse when a patch replaces a file that the upgrade changed too');
}
