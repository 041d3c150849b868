import type { Command } from 'commander';
import type { CommandContext } from './shared/context.js';

type AddCommand = (command: Command, context: CommandContext, program: Command) => void;

/** What the help of the program shows of a command, and what gives it its options. */
export interface CommandEntry {
  readonly name: string;
  /** A heading of the help. */
  readonly group: string;
  /** At most 60 characters. */
  readonly summary: string;
  /** What its own help says; absent: no more than that. */
  readonly description?: string | undefined;
  /** Loads the module of the command, which loads what the command does when it runs. */
  load(): Promise<AddCommand>;
}

/** In the order of the help. */
export const commandTable: readonly CommandEntry[] = [
  {
    name: 'build',
    group: 'Build:',
    summary: 'patch an image, check it, boot it, and put it in place',
    description: 'rebuild an image with patches, check it, boot it, put it in place',
    load: async () => (await import('./build.js')).addBuildCommand,
  },
  {
    name: 'plan',
    group: 'Build:',
    summary: 'show what a build would do; changes nothing',
    description: 'show what a build would do, and with which engine; changes nothing',
    load: async () => (await import('./plan.js')).addPlanCommand,
  },
  {
    name: 'check',
    group: 'Build:',
    summary: 'check patches, image definitions and moby-patch.yaml',
    description: 'check patches, image definitions and the configuration: every error at once',
    load: async () => (await import('./check.js')).addCheckCommand,
  },
  {
    name: 'patches',
    group: 'Build:',
    summary: 'list the patches that have an id, or explain one',
    description: 'list the patches that can be named by their ids: yours, and those of this program',
    load: async () => (await import('./patches.js')).addPatchesCommand,
  },
  {
    name: 'lock',
    group: 'Build:',
    summary: 'record what a build was made of, for build --locked',
    description: 'record what a build was made of, so that build --locked gives these bytes or fails',
    load: async () => (await import('./lock.js')).addLockCommand,
  },
  {
    name: 'init',
    group: 'Build:',
    summary: 'write a moby-patch.yaml and an example patch here',
    description: 'write a moby-patch.yaml and an example of a patch into this folder',
    load: async () => (await import('./init.js')).addInitCommand,
  },
  {
    name: 'inspect',
    group: 'Look into an image:',
    summary: 'show layout, system, and what would stop the boot',
    description: 'show the segments of an image, the system in it, and what would keep it from booting',
    load: async () => (await import('./inspect.js')).addInspectCommand,
  },
  {
    name: 'ls',
    group: 'Look into an image:',
    summary: 'list what the running system will see',
    load: async () => (await import('./ls.js')).addLsCommand,
  },
  {
    name: 'cat',
    group: 'Look into an image:',
    summary: 'write files of an image to standard output',
    description: 'write files of an image to standard output; symlinks are followed inside the image',
    load: async () => (await import('./cat.js')).addCatCommand,
  },
  {
    name: 'diff',
    group: 'Look into an image:',
    summary: 'show how the roots of two images differ',
    load: async () => (await import('./diff.js')).addDiffCommand,
  },
  {
    name: 'explain',
    group: 'Look into an image:',
    summary: 'show where a path comes from, and what a kernel makes of it',
    description: 'show where a path of an image comes from, and what the kernel makes of it',
    load: async () => (await import('./explain.js')).addExplainCommand,
  },
  {
    name: 'unpack',
    group: 'Look into an image:',
    summary: 'write the root to a folder or tar that repack turns back',
    description: 'write the root of an image to a folder or a tar, which repack turns back into the image',
    load: async () => (await import('./unpack.js')).addUnpackCommand,
  },
  {
    name: 'repack',
    group: 'Look into an image:',
    summary: 'make an image from a folder, a tar, or another image',
    description:
      'make an image from a folder or tar; from one that unpack wrote, the same image with its changes',
    load: async () => (await import('./repack.js')).addRepackCommand,
  },
  {
    name: 'verify',
    group: 'Prove that it boots:',
    summary: 'boot an image with QEMU and demand a sign of life',
    description: 'boot an image with QEMU and demand a sign of life from inside',
    load: async () => (await import('./verify.js')).addVerifyCommand,
  },
  {
    name: 'bisect',
    group: 'Prove that it boots:',
    summary: 'find the patch with which the boot is refused',
    description: 'find the patch, of those of a build, with which the boot is refused',
    load: async () => (await import('./bisect.js')).addBisectCommand,
  },
  {
    name: 'matrix',
    group: 'Prove that it boots:',
    summary: 'build and boot every patch in every image',
    description: 'build and boot every patch in every image: one table of verdicts',
    load: async () => (await import('./matrix.js')).addMatrixCommand,
  },
  {
    name: 'status',
    group: 'Installed image:',
    summary: 'say whether the wanted patches are in the installed image',
    description: 'say where the installed image stands; exit 0 when the wanted patches are in it, else 3',
    load: async () => (await import('./installed/status.js')).addStatusCommand,
  },
  {
    name: 'apply',
    group: 'Installed image:',
    summary: 'put the patched image in the place of the installed one',
    description: 'build the patched image if needed, and put it in the place of the installed one',
    load: async () => (await import('./installed/apply.js')).addApplyCommand,
  },
  {
    name: 'restore',
    group: 'Installed image:',
    summary: 'put the stock image back, byte for byte',
    load: async () => (await import('./installed/restore.js')).addRestoreCommand,
  },
  {
    name: 'reapply',
    group: 'Installed image:',
    summary: 'after an upgrade: patch the new stock image as before',
    description:
      'after an upgrade: patch the new stock image as the one before; exit 6 when there is nothing to do',
    load: async () => (await import('./installed/reapply.js')).addReapplyCommand,
  },
  {
    name: 'watch',
    group: 'Installed image:',
    summary: 'run reapply whenever the installed image is replaced',
    load: async () => (await import('./installed/watch.js')).addWatchCommand,
  },
  {
    name: 'host',
    group: 'Installed image:',
    summary: "the host's half of what a patch needs",
    load: async () => (await import('./installed/host.js')).addHostCommand,
  },
  {
    name: 'fleet',
    group: 'Registry:',
    summary: 'build many images on a Swarm, on Kubernetes, on other hosts',
    description: 'build the targets of moby-patch.yaml on other machines, with results in a registry',
    load: async () => (await import('./fleet/fleet.js')).addFleetCommand,
  },
  {
    name: 'push',
    group: 'Registry:',
    summary: 'store a built image and its manifest in a registry',
    description: 'store a built image and its manifest in a registry, as an OCI artifact',
    load: async () => (await import('./push.js')).addPushCommand,
  },
  {
    name: 'pull',
    group: 'Registry:',
    summary: 'get an image and its manifest out of a registry',
    load: async () => (await import('./pull.js')).addPullCommand,
  },
  {
    name: 'doctor',
    group: 'More:',
    summary: 'say whether this machine has what builds and boots need',
    description:
      'say what builds and boots need, and whether this machine has it; exit 5 where something needed is missing',
    load: async () => (await import('./doctor.js')).addDoctorCommand,
  },
  {
    name: 'prune',
    group: 'More:',
    summary: 'remove what a killed run left behind',
    description: 'remove what a killed run left behind: labelled containers and images, temporary folders',
    load: async () => (await import('./prune.js')).addPruneCommand,
  },
  {
    name: 'completion',
    group: 'More:',
    summary: 'print the completion script for a shell',
    description: 'print the script that completes commands, options and names in a shell',
    load: async () => (await import('./completion.js')).addCompletionCommand,
  },
];
