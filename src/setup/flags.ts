import { MobyPatchError } from '../model/error/error.js';
import type { Expectation } from '../model/result/expectation.js';
import type { BootArguments } from './boot-options.js';
import type { BuildArguments } from './build-request.js';
import { parseSecretFlags } from './secrets.js';

/** A boot as the command line names it. */
export interface BootFlags extends Omit<BootArguments, 'expects' | 'disks'> {
  readonly disk?: readonly string[];
  readonly expect?: readonly string[];
  readonly expectFile?: readonly string[];
  readonly expectService?: readonly string[];
  readonly expectMount?: readonly string[];
  readonly expectPort?: readonly number[];
  readonly expectCommand?: readonly string[];
  readonly expectPoweroff?: boolean;
  readonly expectWithin?: number;
  readonly memoryBelow?: number;
  /** `all`, or names. */
  readonly allowFailed?: readonly string[];
}

/** What names patches and their parameters on the command line. */
export interface PatchFlags {
  readonly patch?: readonly string[];
  /** `NAME=VALUE`. */
  readonly set?: readonly string[];
  /** `NAME=file:PATH` or `NAME=env:VARIABLE`: where the value of a secret comes from. */
  readonly secret?: readonly string[];
}

type Parsed = 'patches' | 'settings' | 'secrets' | 'expects' | 'disks';

/** A build as the command line names it. */
export interface BuildFlags extends Omit<BuildArguments, Parsed>, BootFlags, PatchFlags {}

/** The values of flags; relative paths begin in `folder`. Errors (`invalid`): `setting-invalid`, `secret-source`. */
export function parseFlags<Flags extends BootFlags & PatchFlags>(flags: Flags, folder: string) {
  const { patch, set, secret, ...booted } = flags;
  const { expect, expectFile, expectService, expectMount, expectPort, expectCommand, ...more } = booted;
  const { expectPoweroff, expectWithin, memoryBelow, allowFailed, disk, ...rest } = more;
  return {
    ...rest,
    ...(disk && { disks: disk }),
    expects: listExpects(flags),
    ...(patch && { patches: patch }),
    ...(set && { settings: parseSettings(set) }),
    ...(secret && { secrets: parseSecretFlags(secret, folder) }),
  };
}

/** The same for a boot alone. */
export function parseBootFlags<Flags extends BootFlags>(flags: Flags) {
  const { expect, expectFile, expectService, expectMount, expectPort, expectCommand, ...more } = flags;
  const { expectPoweroff, expectWithin, memoryBelow, allowFailed, disk, ...rest } = more;
  return { ...rest, ...(disk && { disks: disk }), expects: listExpects(flags) };
}

function listExpects(flags: BootFlags): Expectation[] {
  const all = <T>(values: readonly T[] | undefined, create: (value: T) => Expectation) =>
    (values ?? []).map(create);
  const { expectPoweroff, expectWithin, memoryBelow, allowFailed } = flags;
  return [
    ...all(flags.expect, (console) => ({ console })),
    ...all(flags.expectFile, (text) => {
      const [file = '', ...content] = text.split('=');
      return content.length === 0 ? { file } : { file, content: content.join('=') };
    }),
    ...all(flags.expectService, (service) => ({ service })),
    ...all(flags.expectMount, (text) => {
      const [mount = '', type] = text.split('=');
      return type === undefined ? { mount } : { mount, type };
    }),
    ...all(flags.expectPort, (port) => ({ port })),
    ...all(flags.expectCommand, (command) => ({ command })),
    ...(expectPoweroff === true ? [{ poweroff: true } as const] : []),
    ...(expectWithin === undefined ? [] : [{ within: expectWithin }]),
    ...(memoryBelow === undefined ? [] : [{ 'memory-below': memoryBelow }]),
    ...(allowFailed === undefined ? [] : [allowFailures(allowFailed)]),
  ];
}

function allowFailures(names: readonly string[]): Expectation {
  return names.includes('all')
    ? { 'no-failed-services': false }
    : { 'no-failed-services': true, except: names };
}

/** Error (`invalid`): `setting-invalid`. */
export function parseSettings(settings: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    settings.map((setting) => {
      const [name, ...value] = setting.split('=');
      if (name === undefined || name === '' || value.length === 0) {
        const message = `found the setting "${setting}", wanted NAME=VALUE`;
        throw new MobyPatchError('invalid', 'setting-invalid', message, {
          hint: `-s ${name || 'NAME'}=VALUE`,
        });
      }
      return [name, value.join('=')];
    }),
  );
}
