import type { z } from 'zod';
import { groupStep } from './accounts/group.js';
import { sshHostKeysStep } from './accounts/ssh-host-keys.js';
import { sshKeyStep } from './accounts/ssh-key.js';
import { userStep } from './accounts/user.js';
import { bootconfigStep } from './boot/bootconfig.js';
import { cronStep } from './boot/cron.js';
import { fstabStep } from './boot/fstab.js';
import { hookStep } from './boot/hook.js';
import { moduleStep } from './boot/module.js';
import { mountStep } from './boot/mount.js';
import { serviceStep } from './boot/service.js';
import { sysctlStep } from './boot/sysctl.js';
import { packageStep } from './commands/package.js';
import { runStep } from './commands/run.js';
import { errorStep } from './control/error.js';
import { noopStep } from './control/noop.js';
import type { StepDefinition, TypedStep } from './definition.js';
import { appendStep } from './files/append.js';
import { archiveStep } from './files/archive.js';
import { copyStep } from './files/copy.js';
import { directoryStep } from './files/directory.js';
import { fileStep } from './files/file.js';
import { lineStep } from './files/line.js';
import { modeStep } from './files/mode.js';
import { removeStep } from './files/remove.js';
import { replaceStep } from './files/replace.js';
import { scriptStep } from './files/script.js';
import { slimStep } from './files/slim.js';
import { symlinkStep } from './files/symlink.js';
import { certificateStep } from './settings/certificate.js';
import { environmentStep } from './settings/environment.js';
import { hostnameStep } from './settings/hostname.js';
import { hostsStep } from './settings/hosts.js';
import { localeStep } from './settings/locale.js';
import { resolverStep } from './settings/resolver.js';
import { timezoneStep } from './settings/timezone.js';

/** Every kind of step, by the key of the patch file. Messages and schemas list them in this order. */
const definitions = [
  packageStep,
  fileStep,
  scriptStep,
  directoryStep,
  symlinkStep,
  removeStep,
  modeStep,
  replaceStep,
  lineStep,
  appendStep,
  copyStep,
  archiveStep,
  slimStep,
  userStep,
  groupStep,
  sshKeyStep,
  sshHostKeysStep,
  sysctlStep,
  moduleStep,
  cronStep,
  hostsStep,
  hostnameStep,
  resolverStep,
  timezoneStep,
  localeStep,
  environmentStep,
  certificateStep,
  fstabStep,
  serviceStep,
  mountStep,
  hookStep,
  bootconfigStep,
  runStep,
  noopStep,
  errorStep,
] as const;

export const stepDefinitions: ReadonlyMap<string, StepDefinition> = new Map(
  definitions.map((definition) => [definition.kind, definition]),
);

type InputOf<Step> =
  Step extends TypedStep<infer Kind, infer Schema> ? { readonly [K in Kind]: z.input<Schema> } : never;

/** A step as it is written: its kind, and the value of the kind. */
export type StepInput = InputOf<(typeof definitions)[number]>;
