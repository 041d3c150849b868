import { readFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { basename } from 'node:path';
import type { BootOptions } from '../model/build.js';
import { MobyPatchError } from '../model/error/error.js';
import type { Image } from '../model/image/archive.js';
import type { BootResult } from '../model/result/boot.js';
import { chooseMemory } from '../verify/boot/machine/machine.js';
import { detectInit } from '../verify/boot/probe/detect-init.js';
import { mustHandOver } from '../verify/boot/probe/hand-over.js';
import type { Run } from './run.js';

export interface OutputBoot {
  /** The input. */
  readonly image: Image;
  readonly written: Image;
  readonly options: BootOptions;
  /** A folder for consoles. */
  readonly folder: string;
}

/**
 * Boots what was written, and the input beside it where that was asked for; the comparison is in the draft. An emulated
 * guest that is too slow to tell has the time of the input in its error.
 */
export async function bootOutput(run: Run, output: OutputBoot): Promise<BootResult> {
  const { image, written, options, folder } = output;
  const { request, draft } = run;
  const isSame = image.layout.sha256 === written.layout.sha256;
  const isCompared = request.compareStock === true && !isSame;
  if (request.compareStock === true && isSame)
    draft.warn('the output is the input: there is no stock image to compare');
  const first = {
    image: written,
    name: basename(request.output),
    options: { ...options, survey: isCompared },
    console: `${folder}/console.log`,
  };
  const stockConsole = `${folder}/stock.console.log`;
  await using beside =
    isCompared && availableParallelism() > 1 ? startBeside(run, output, stockConsole) : undefined;
  const boot = await bootOne(run, first).catch(async (error) => {
    if (isSame || !(error instanceof MobyPatchError) || error.code !== 'boot-too-slow') throw error;
    throw await addStockTime(run, error, beside?.result ?? bootStock(run, output, stockConsole));
  });
  if (!isCompared) return boot;
  const stock = await (beside?.result ?? bootStock(run, output, stockConsole)).catch((error) => {
    if (run.session.signal.aborted || !(error instanceof MobyPatchError)) throw error;
    draft.warn(`the boot of the stock image tells nothing: ${error.message}`);
    return undefined;
  });
  if (stock === undefined) return boot;
  const { compareBoots } = await import('../verify/boot/compare-boots.js');
  const read = async (path: string) => run.redaction.text(await readFile(path, 'utf8'));
  const [left, right] = [await read(stockConsole), await read(first.console)];
  draft.set({ stock: compareBoots({ boot: stock, console: left }, { boot, console: right }) });
  return boot;
}

interface Beside extends AsyncDisposable {
  readonly result: Promise<BootResult>;
}

/** Boots the stock image beside the patched one, and ends that boot when the patched one fails first. */
function startBeside(run: Run, output: OutputBoot, console: string): Beside {
  const end = new AbortController();
  const signal = AbortSignal.any([run.session.signal, end.signal]);
  const result = bootStock({ ...run, session: { ...run.session, signal } }, output, console);
  // Its error reaches the code that awaits it; until then it must not be an unhandled rejection.
  const settled = result.catch(() => {});
  return {
    result,
    async [Symbol.asyncDispose]() {
      end.abort();
      await settled;
    },
  };
}

interface OneBoot {
  readonly image: Image;
  /** What messages call it. */
  readonly name: string;
  readonly options: BootOptions;
  readonly console: string;
}

async function bootOne(
  { session: { signal, log, showLine } }: Pick<Run, 'session'>,
  { image, name, options, console }: OneBoot,
): Promise<BootResult> {
  // Loaded only where something is booted: a build with --no-verify need not wait for these modules.
  const { bootImage } = await import('../verify/boot/boot.js');
  const request = {
    ...options,
    memory: chooseMemory(image.layout, options),
    image: image.file,
    name,
    sha256: image.layout.sha256,
    console,
  };
  const init = detectInit(image.entries);
  const handsOver = mustHandOver(image.entries, request);
  return bootImage(request, { signal, log, init, handsOver, showLine, archive: image });
}

/** Expects nothing: what patches add is not there. Its lines in the log begin with `stock:`, and a terminal shows the patched image's alone. */
function bootStock(run: Run, { image, written, options }: OutputBoot, console: string): Promise<BootResult> {
  const log = (line: string) => run.session.log(`stock: ${line}`);
  const session = { ...run.session, log, showLine: undefined };
  const { expects } = run.request.verify ?? options;
  const isBlind = detectInit(image.entries) === 'none';
  const { disk } = options;
  return bootOne(
    { session },
    {
      image,
      name: run.request.name,
      options: {
        ...options,
        disk: disk && { ...disk, path: run.wrapped?.path ?? disk.path },
        expects: isBlind ? expects : [{ 'no-failed-services': false }],
        memory: chooseMemory(written.layout, options),
        survey: true,
        daemons: [],
        attest: false,
      },
      console,
    },
  );
}

async function addStockTime(
  run: Run,
  error: MobyPatchError,
  stock: Promise<BootResult>,
): Promise<MobyPatchError> {
  run.session.log(`${error.message}; the stock image beside it`);
  const told = await stock.then(
    ({ verdict, seconds, reason }) =>
      verdict === 'passed' ? `is up in ${seconds.toFixed(1)} s` : `does not come up: ${reason}`,
    (cause) => {
      if (run.session.signal.aborted) throw cause;
      return cause instanceof MobyPatchError && cause.code === 'boot-too-slow'
        ? 'is too slow here, too'
        : `cannot be booted: ${cause instanceof Error ? cause.message : cause}`;
    },
  );
  const { kind, code, message, hint } = error;
  return new MobyPatchError(kind, code, `${message}; the stock image ${told}`, { hint, cause: error });
}
