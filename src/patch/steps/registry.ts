import type { StepDefinition } from './definition.js';
import { directoryStep } from './directory.js';
import { fileStep } from './file.js';
import { fstabStep } from './fstab.js';
import { modeStep } from './mode.js';
import { mountStep } from './mount.js';
import { packageStep } from './package.js';
import { removeStep } from './remove.js';
import { replaceStep } from './replace.js';
import { runStep } from './run.js';
import { serviceStep } from './service.js';
import { symlinkStep } from './symlink.js';

/** Every kind of step, by the key of the patch file. Messages and schemas list them in this order. */
export const stepDefinitions: ReadonlyMap<string, StepDefinition> = new Map(
  [
    packageStep,
    fileStep,
    directoryStep,
    symlinkStep,
    removeStep,
    modeStep,
    replaceStep,
    fstabStep,
    serviceStep,
    mountStep,
    runStep,
  ].map((definition) => [definition.kind, definition]),
);
