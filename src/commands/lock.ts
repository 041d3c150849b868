import { createReadStream } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import type { Command } from 'commander';
import { MobyPatchError } from '../model/error.js';
import type { Lock } from '../model/lock.js';
import type { CommandContext } from './shared/context.js';
import { guard } from './shared/errors.js';
import { printJson, printLines, shortenPaths } from './shared/print.js';

interface Flags {
  readonly config?: string;
  readonly json?: boolean;
}

export function addLockCommand(program: Command, context: CommandContext): void {
  program
    .command('lock')
    .description('write down what a build was made of, for build --locked: these bytes again, or nothing')
    .argument('[output]', 'the built image, with its manifest beside it; default: as build has it')
    .option('-c, --config <file>', 'default: moby-patch.yaml of this folder, if there is one')
    .option('--json', 'the lock as JSON on standard output')
    .action(guard(context, (output: string | undefined, flags: Flags) => runLock(output, flags, context)));
}

async function runLock(named: string | undefined, flags: Flags, context: CommandContext): Promise<void> {
  const { loadConfiguration } = await import('../setup/configuration.js');
  const { lockName, readManifest } = await import('../setup/lock-file.js');
  const { digestBytes } = await import('../io/digest.js');
  const { replaceFile } = await import('../io/output.js');
  const { folder, values } = await loadConfiguration(context.folder, flags.config);
  const output =
    named === undefined
      ? resolve(folder, values.output ?? 'initrd.patched.img')
      : resolve(context.folder, named);
  const manifest = await readManifest(`${output}.manifest.json`);
  const found = await digestBytes(createReadStream(output)).catch((cause: NodeJS.ErrnoException) => {
    throw new MobyPatchError('invalid', 'lock-output', `cannot read the image: ${cause.code}`, {
      path: output,
      cause,
      hint: 'moby-patch build',
    });
  });
  if (found !== manifest.output.sha256) {
    throw new MobyPatchError('invalid', 'lock-output', 'the image is another than its manifest says', {
      path: output,
      hint: 'moby-patch build',
    });
  }
  const lock: Lock = {
    version: 1,
    input: manifest.input.sha256,
    plan: manifest.plan,
    packages: manifest.packages,
    output: manifest.output.sha256,
  };
  const file = join(folder, lockName);
  await replaceFile(file, `${JSON.stringify(lock, null, 2)}\n`);
  if (manifest.verdict !== 'passed') context.stderr.write('moby-patch: this image was not booted\n');
  if (flags.json) return printJson(context, lock);
  const packages = Object.keys(lock.packages).length;
  const text = `locked ${manifest.output.name} (sha256 ${lock.output.slice(0, 16)}), ${packages} packages: ${file}`;
  await printLines(context, [
    shortenPaths(context, text),
    `in the folder ${dirname(file)}: moby-patch build --locked`,
  ]);
}
