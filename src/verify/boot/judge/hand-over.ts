import { findArgument } from '../machine/machine.js';
import type { Marker } from '../probe/marker.js';
import type { Moment } from './moment.js';

/** How an initramfs finds the root that it leads to, and goes over to it. */
export interface HandOverWatch {
  see(marker: Extract<Marker, { readonly kind: 'handed' | 'disks' }>, seconds: number): void;
  /** A line of a program, or the start of one that has no end yet. */
  seeLine(line: string, seconds: number): void;
  /** The first program is in another root; the line has the type of its file system. */
  done(): Moment | undefined;
  /** Names of the disks and partitions that the kernel has found; undefined where the guest did not tell. */
  disks(): readonly string[] | undefined;
  /** Where it is not done, and a program says that only a person can go on. */
  stranded(): Moment | undefined;
}

/**
 * What an initramfs says when it does not find its root: initramfs-tools (scripts/functions, scripts/local), dracut (dracut-lib.sh,
 * dracut-emergency.sh), mkinitfs (initramfs-init), mkinitcpio (init_functions).
 */
const givingUp: readonly RegExp[] = [
  /^ALERT!\s.* does not exist\./,
  /^No root device specified\. |^Failed to mount .* as root file system\.|^No init found\. /,
  /^\(initramfs\)/,
  /^(Rebooting|Halting) automatically due to panic= boot argument/,
  /Entering emergency mode\. Exit the shell to continue\./,
  /\bdracut(-\w+)?(\[\d+\])?: (FATAL:|Warning: Could not boot\.|Refusing to continue)/,
  /initramfs emergency recovery shell launched/,
  /^You are now being dropped into an emergency shell/,
];

/** What dracut says right before one of those, and a script of anybody's before it goes on. */
const reasons = /^Warning: \S+ does not exist$/;

export function createHandOverWatch(): HandOverWatch {
  let done: Moment | undefined;
  let disks: readonly string[] | undefined;
  let givenUp: Moment | undefined;
  let reason: string | undefined;
  return {
    see({ kind, text }, at) {
      if (kind === 'handed') done ??= { at, line: `${text} is the root` };
      else disks = text.split(' ').filter(Boolean);
    },
    seeLine(line, at) {
      if (givenUp !== undefined) return;
      if (reasons.test(line)) reason = line;
      if (givingUp.some((pattern) => pattern.test(line))) givenUp = { at, line: reason ?? line };
    },
    done: () => done,
    disks: () => disks,
    stranded: () => (done === undefined ? givenUp : undefined),
  };
}

export interface HandOver extends Pick<HandOverWatch, 'done' | 'disks' | 'stranded'> {
  /** Of the kernel. */
  readonly cmdline: string;
  /** Whether nothing more came of the guest. */
  readonly hasEnded: boolean;
}

/** What to type where nothing names a root. `found`: names of disks and partitions. */
export function lacksRoot(found: readonly string[] = ['vda1']): string {
  const name =
    found.find((each) => /^vd[a-z]\d+$/.test(each)) ?? found.find((each) => /^vd[a-z]$/.test(each));
  return `the command line names no root, such as --cmdline root=/dev/${name ?? 'vda1'}`;
}

/** Causes that the guest's disks and its command line tell, where a boot failed at a stage. */
export function explainHandOver(
  stage: string,
  { done, disks, stranded, cmdline, hasEnded }: HandOver,
): string[] {
  if (stage.startsWith('file ') && done() !== undefined)
    return [
      'the file is looked for in the root that the initramfs went over to: of what the initramfs itself has, --attest or a line on its console tells',
    ];
  if (stage !== 'handed over') return [];
  const found = disks();
  const root = findArgument(cmdline, 'root=');
  const isSeen = found?.some((name) => /^vd[a-z]/.test(name)) ?? true;
  if (!isSeen)
    return [
      'the guest found no disk: its kernel and the image have no driver for it (virtio_pci, virtio_blk), or nothing loads it; see the patch virtio-modules, or make the initramfs for all machines (MODULES=most, dracut --no-hostonly)',
    ];
  if (hasEnded && stranded() === undefined)
    return [
      'the guest ended before it told which root it has: what it went over to may have ended at once (init=)',
    ];
  const known = found === undefined ? '' : `; the guest has found ${found.join(', ')}`;
  if (root === undefined || root === '') return [`${lacksRoot(found)}${known}`];
  return [`the root is not on the disks, or the initramfs cannot read it: root=${root}${known}`];
}
