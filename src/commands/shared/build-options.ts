import { type Command, Option } from 'commander';
import { defaultTimeout } from '../../setup/boot-options.js';
import { collect, collectPort, collectText, parseAlignment, parseCount, parseLevel } from './options.js';

export function createModeOption(): Option {
  const text =
    'rewrite what the patches touch (default), append to the unchanged input, or auto: append if possible';
  return new Option('--mode <mode>', text).choices(['rewrite', 'append', 'auto']);
}

export function createSecretOption(): Option {
  const text =
    'where the value of a secret parameter comes from: NAME=file:PATH or NAME=env:VARIABLE (repeatable); default: $MOBY_PATCH_SECRET_NAME, or a question on the terminal';
  return new Option('--secret <name=source>', text).argParser(collect);
}

/** The limits of a step that runs commands. */
export function addStepLimitOptions(command: Command): Command {
  return command
    .option(
      '--step-memory <MiB>',
      "memory of a step's processes together; default: half of the machine's",
      parseCount,
    )
    .option('--step-processes <number>', "how many a step's processes may be; default: 4096", parseCount);
}

/** The options that `build` and `plan` share. */
export function addBuildOptions(command: Command): Command {
  command
    .option(
      '-i, --image <image>',
      'the stock image: a file, or the id of an image definition; several files are one image (repeatable)',
      collect,
    )
    .option('-p, --patch <patch>', 'a patch folder or the id of a patch (repeatable)', collect)
    .option('-s, --set <name=value>', 'the value of a parameter of a patch (repeatable)', collect)
    .addOption(createSecretOption())
    .option(
      '-o, --output <file>',
      'where the new image goes, - for standard output; default: initrd.patched.img, vendor.patched.iso for vendor.iso, or initrd.overlay.img with --as overlay',
    )
    .option(
      '--split <directory>',
      'instead of -o: one file for each of the image, with its name, into this folder',
    )
    .option('-c, --config <file>', 'default, without -i: moby-patch.yaml of this folder, if there is one')
    .addOption(
      new Option('--engine <name>', 'where commands run').choices(['auto', 'stream', 'docker', 'local']),
    )
    .option(
      '--compression <codec>',
      'none, gzip, bzip2, lzma, xz, lzo, lz4 or zstd; default: what the image has',
    )
    .option('--level <number>', 'of the compression; default: like the image', parseLevel)
    .addOption(createModeOption())
    .addOption(
      new Option(
        '--as <form>',
        'image, or overlay: only what is appended, for a boot loader to put behind the image, or addon: the same as a program beside a UKI',
      ).choices(['image', 'overlay', 'addon']),
    )
    .option(
      '--data-align <bytes>',
      'bodies of files begin at multiples of it, in an archive that is not compressed (for reflinks: 4096)',
      parseAlignment,
    )
    .option('--single-member', 'one compressed member, for a loader that reads only one')
    .addOption(createAcceptOption())
    .addOption(createSignOption())
    .addOption(createDropOption())
    .option('--locked', 'refuse an output that is not what moby-patch.lock records')
    .option(
      '--offline',
      'no step gets a network; with --locked, packages come from what lock --vendor has kept',
    )
    .option('--twice', 'make the changes twice, and refuse them where they differ')
    .option('--compare-stock', 'boot the stock image too, and report what is different')
    .option('--provenance', 'write provenance, verdict and bill of materials beside the output')
    .option('--record', 'put a file into the new image that tells what it was patched with')
    .option('--again', 'go on although the image has one of the patches already')
    .option('--no-verify', 'do not boot the new image')
    .option('--no-cache', 'use nothing from the build cache, and add nothing to it');
  return addBootOptions(addStepLimitOptions(command));
}

export function createAcceptOption(): Option {
  const meaning = 'go on although this file of the image is not the one that a step was written for';
  return new Option('--accept <path>', `${meaning} (repeatable)`).argParser(collect);
}

export function addBootOptions(command: Command): Command {
  return command
    .option('--kernel <file>', 'the kernel that boots the image')
    .option('--cmdline <text>', 'more kernel arguments')
    .option(
      '--disk <file>',
      'a disk of the machine, raw or qcow2: the first is /dev/vda, and none is written to (repeatable)',
      collectText,
    )
    .option('--expect <regex>', 'a console line that a good boot shows (repeatable)', collectText)
    .option(
      '--expect-file <path[=text]>',
      'a path that exists in the guest, with exactly this text (repeatable)',
      collectText,
    )
    .option('--expect-service <name>', 'a service that runs (repeatable)', collectText)
    .option(
      '--expect-mount <path[=type]>',
      'a path at which a file system is mounted (repeatable)',
      collectText,
    )
    .option(
      '--expect-port <number>',
      'a TCP port of the guest that takes a connection from here (repeatable)',
      collectPort,
    )
    .option('--expect-command <text>', 'a command of the guest that ends with 0 (repeatable)', collectText)
    .option('--expect-poweroff', 'the guest switches itself off, and what else it showed decides')
    .option('--expect-within <seconds>', "the system is up within so much of the guest's time", parseCount)
    .option('--memory-below <MiB>', 'how much memory is in use when the system is up', parseCount)
    .option('--allow-failed <service>', 'a service that may fail, or all (repeatable)', collectText)
    .option(
      '--attest',
      'the guest tells what it has unpacked, file by file, and that is held against the image',
    )
    .option('--memory <MiB>', 'memory of the machine; default: by the size of the image', parseCount)
    .option(
      '--timeout <seconds>',
      `how long the boot may take of the guest's time; default: ${defaultTimeout}`,
      parseCount,
    )
    .addOption(
      new Option(
        '--network <kind>',
        'none, isolated (reaches nothing) or host (the host is 10.0.2.2)',
      ).choices(['none', 'isolated', 'host']),
    )
    .addOption(new Option('--accelerator <kind>', 'how QEMU runs the guest').choices(['auto', 'kvm', 'tcg']));
}

export function createSignOption(): Option {
  const text = 'of a UKI or an addon: COMMAND --output NEW FILE is run, as sbsign wants it';
  return new Option('--sign-with <command>', text);
}

export function createDropOption(): Option {
  const text = 'of a UKI or an Android image: leave out signatures, which hold for the old content alone';
  return new Option('--drop-signatures', text);
}
