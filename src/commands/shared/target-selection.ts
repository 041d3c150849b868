import type { Command } from 'commander';
import { collect } from './options.js';

export interface TargetSelection {
  readonly target?: readonly string[];
  readonly all?: boolean;
}

/** For commands that take targets of moby-patch.yaml. */
export function addTargetSelection(command: Command): Command {
  return command.option('--target <target>', 'one of the targets of moby-patch.yaml (repeatable)', collect);
}
