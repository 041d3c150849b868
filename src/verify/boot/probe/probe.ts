import { encodePadding, encodeRecord, encodeTrailer } from '../../../format/cpio/cpio-writer.js';
import type { Architecture } from '../../../format/kind/kernel-magic.js';
import { createMode } from '../../../format/mode.js';
import { encodePath } from '../../../format/path.js';
import { escapeUnitPath } from '../../../format/unit-path.js';
import { quoteWord, readScript, setVariables } from '../../../io/process/script.js';
import { MobyPatchError } from '../../../model/error/error.js';
import type { Expectation } from '../../../model/result/expectation.js';
import { createAttester } from '../attest/attester.js';
import type { Init } from './detect-init.js';
import { markerWord } from './marker.js';
import type { RescueMode } from './rescue.js';
import { type Runlevels, runlevelFolder, usualRunlevel, usualRunlevels } from './runlevels.js';

/** What boots with the image to report from the guest. */
export interface Probe {
  /** A raw newc archive; empty when there is no probe and only the console counts. */
  readonly segment: Uint8Array;
  /** Words for the kernel's command line. */
  readonly words: readonly string[];
}

export interface ProbeRequest {
  readonly init: Init;
  /** Identifies this boot in every line of the probe. */
  readonly nonce: string;
  readonly expects: readonly Expectation[];
  /** The first program: `/init`, or the last `rdinit=` of the command line; of a disk its `init=`, or empty for the usual ones. */
  readonly firstProgram: string;
  /**
   * Of a machine without a second serial port: its kernel may open the device all the same, and lose what is written to it. Default:
   * there is one.
   */
  readonly lacksPort?: boolean | undefined;
  /** The type of a file system that the guest boots from, as its first disk. */
  readonly disk?: string | undefined;
  /** Of a guest that first tells what it has unpacked. */
  readonly attest?: Architecture | undefined;
  /** Of a guest that tells what runs in it. */
  readonly survey?: boolean | undefined;
  /** Services whose programs stay; one that has ended counts as failed. */
  readonly daemons?: readonly string[] | undefined;
  /** Of OpenRC; default: those of every image that has it. */
  readonly runlevels?: Runlevels | undefined;
  /** Of a command line that asks for a system which waits for a person. */
  readonly rescue?: RescueMode | undefined;
  /** Of a guest that is to go over to another root: what is asked counts from there on. */
  readonly handsOver?: boolean | undefined;
}

/**
 * The archive has no record of a directory, since a record would change the directory's mode. Errors (`invalid`):
 * `expectation-content`, `expectations-too-long`.
 */
export function createProbe(request: ProbeRequest): Probe {
  const { nonce, attest, disk } = request;
  const firstProgram = disk === undefined ? request.firstProgram : `/${rootPath}`;
  const files = listFiles({ ...request, firstProgram });
  if (disk !== undefined) files.set(rootPath, encodeRootScript(disk, request.firstProgram));
  const wrapper = request.init === 'other' ? `/${markerWord}` : undefined;
  if (attest === undefined && files.size === 0) return { segment: new Uint8Array(), words: [] };
  if (request.lacksPort !== true) files.set(portPath, encodePort());
  if (attest === undefined)
    return { segment: encodeArchive(files), words: wrapper === undefined ? [] : [`rdinit=${wrapper}`] };
  const { path, program, ordersPath, orders } = createAttester({
    architecture: attest,
    nonce,
    ...(request.lacksPort !== true && { port: portPath }),
    next: wrapper ?? firstProgram,
    own: [...files.keys()],
  });
  files.set(path, encodeFile(path, program)).set(ordersPath, encodeFile(ordersPath, orders));
  return { segment: encodeArchive(files), words: [`rdinit=/${path}`] };
}

/** By path. */
function listFiles(request: ProbeRequest): Map<string, Uint8Array> {
  const {
    init,
    nonce,
    expects,
    firstProgram,
    survey,
    daemons,
    handsOver,
    rescue,
    runlevels = usualRunlevels,
  } = request;
  const more = { survey, daemons, handsOver, rescue, runlevel: runlevels.wanted };
  if (init === 'none') return new Map();
  if (init === 'other') {
    const wrapper = createWrapper(nonce, expects, firstProgram, more);
    const files = new Map([[markerWord, encodeFile(markerWord, wrapper)]]);
    return handsOver ? files.set(shellPath, encodeSymlink(shellPath, '/bin/sh')) : files;
  }
  const service = `etc/init.d/${markerWord}`;
  const files = new Map([[service, encodeFile(service, createService(nonce, expects, more))]]);
  const add = (level: string, name: string) => {
    const link = `${runlevelFolder}/${level}/${name}`;
    files.set(link, encodeSymlink(link, `/etc/init.d/${name}`));
  };
  for (const level of runlevels.ends) add(level, markerWord);
  if (runlevels.first === undefined) return files;
  const early = `etc/init.d/${keptName}`;
  files.set(early, encodeFile(early, setVariables(read('early'), { probe_kept: keptName })));
  add(runlevels.first, keptName);
  return files;
}

/** The service that keeps what failed in the first runlevel, and its file. */
const keptName = `${markerWord}.early`;

/** The script that mounts the disk and starts its first program, as an initrd would. */
const rootPath = `${markerWord}.root`;

/** What a person boots a disk with: the script alone. */
export function createRootProbe(type: string, program: string): Probe {
  const files = new Map([[rootPath, encodeRootScript(type, program)]]);
  return { segment: encodeArchive(files), words: [`rdinit=/${rootPath}`] };
}

function encodeRootScript(type: string, program: string): Uint8Array {
  return encodeFile(rootPath, setVariables(read('root'), { root_type: type, root_init: program }));
}

/** A name of the shell under which systemd leaves it alone. */
const shellPath = `@${markerWord}`;

/** A device node in the first root; an `/init` that copies all of it into another takes it along. */
const portPath = `${markerWord}.port`;

/** ttyS1. A kernel with no such port cannot open it, and the probe writes to the console. */
function encodePort(): Uint8Array {
  const mode = createMode('character', 0o600);
  return encodeRecord({ mode, rdevmajor: 4, rdevminor: 65 }, encodePath(portPath));
}

/** The OpenRC service that reports the end of the runlevel in which the boot is to end. @internal */
export function createService(
  nonce: string,
  expects: readonly Expectation[],
  more: MoreReports = {},
): string {
  return setVariables(read('service'), createVariables(nonce, expects, more));
}

/** A shell variable holds a content; probe-functions.sh reads one byte more. */
const longestContent = 32 * 1024;
/** The checks travel in one environment variable, and the kernel limits one to 128 KiB (MAX_ARG_STRLEN). */
const longestChecks = 100 * 1024;

/** The program that starts a watcher and becomes the image's first program, `init`. @internal */
export function createWrapper(
  nonce: string,
  expects: readonly Expectation[],
  init: string,
  more: MoreReports = {},
): string {
  const variables = createVariables(nonce, expects, more);
  if (Buffer.byteLength(variables.probe_checks) > longestChecks)
    throw new MobyPatchError(
      'invalid',
      'expectations-too-long',
      'the expected contents are more than 100 KiB in all',
      { hint: 'expect parts of them on the console instead' },
    );
  return setVariables(read('init'), { ...variables, probe_watcher: read('watcher'), probe_init: init });
}

interface MoreReports extends Pick<ProbeRequest, 'survey' | 'daemons' | 'handsOver'> {
  /** Of OpenRC, in which the boot is to end. */
  readonly runlevel?: string | undefined;
  /** Of a command line that asks for a system which waits for a person. */
  readonly rescue?: RescueMode | undefined;
}

function createVariables(
  nonce: string,
  expects: readonly Expectation[],
  { survey = false, daemons = [], handsOver = false, runlevel = usualRunlevel, rescue }: MoreReports,
) {
  return {
    probe_marker: `${markerWord} ${nonce}`,
    probe_functions: read('functions'),
    probe_checks: listChecks(expects),
    probe_port: portPath,
    probe_survey: survey ? 'yes' : '',
    probe_daemons: daemons.join(' '),
    probe_root: handsOver ? 'yes' : '',
    probe_level: runlevel,
    probe_kept: keptName,
    probe_rescue: rescue ?? '',
  };
}

/** Four words for `report` of probe-functions.sh: last those that may take their time, files and then commands. */
function listChecks(expects: readonly Expectation[]): string {
  const checks = expects.flatMap((expectation, index) => {
    const check = createCheck(expectation);
    return check === undefined ? [] : [{ ...check, index }];
  });
  const patience = ({ name }: Check) => (isCommand.test(name) ? 2 : isFile.test(name) ? 1 : 0);
  return checks
    .sort((left, right) => patience(left) - patience(right))
    .flatMap(({ name, index, first, second = '' }) => [
      name,
      String(index),
      quoteWord(first),
      quoteWord(second),
    ])
    .join(' ');
}

const isFile = /^(exists|contains)$/;
const isCommand = /^(commands|polls|awaits(_output)?)$/;

interface Check {
  /** A function of probe-functions.sh, and its words. */
  readonly name: string;
  readonly first: string;
  readonly second?: string;
}

function createCheck(expectation: Expectation): Check | undefined {
  if ('file' in expectation) return createFileCheck(expectation);
  if ('service' in expectation) return { name: 'runs', first: expectation.service };
  if ('mount' in expectation)
    return { name: 'mounted', first: escapeMount(expectation.mount), second: expectation.type ?? '' };
  if ('command' in expectation)
    return {
      name: nameCommand(expectation),
      first: String(expectation.exit ?? 0),
      second: expectation.command,
    };
  if ('memory-below' in expectation)
    return { name: 'memory', first: String(expectation['memory-below'] * 1024) };
  if (expectationOfServices(expectation))
    return { name: 'failures', first: (expectation.except ?? []).flatMap(nameServices).join(' ') };
  return undefined;
}

function nameCommand({ output, within }: Extract<Expectation, { readonly command: string }>): string {
  if (within === undefined) return output === undefined ? 'commands' : 'polls';
  return output === undefined ? 'awaits' : 'awaits_output';
}

/** A path stands for what mounts it: systemd has units for that, other init systems a service with a name. */
function nameServices(name: string): readonly string[] {
  if (!name.startsWith('/')) return [name];
  const unit = escapeUnitPath(name);
  return [`${unit}.mount`, `${unit}.automount`];
}

type Services = Extract<Expectation, { readonly 'no-failed-services': boolean }>;

function expectationOfServices(expectation: Expectation): expectation is Services {
  return 'no-failed-services' in expectation && expectation['no-failed-services'];
}

function createFileCheck({ file, content }: Extract<Expectation, { readonly file: string }>): Check {
  if (content !== undefined && (content.includes('\0') || Buffer.byteLength(content) > longestContent))
    throw new MobyPatchError(
      'invalid',
      'expectation-content',
      `the expected content of ${file} is binary or longer than 32 KiB`,
      { path: file, hint: 'expect that the file exists, and its effect on the console' },
    );
  const path = `/${file.replace(/^\/+/, '')}`;
  return content === undefined
    ? { name: 'exists', first: path }
    : { name: 'contains', first: `${Buffer.byteLength(content)} ${path}`, second: content };
}

/** As /proc/mounts writes it (mangle_path in fs/seq_file.c). */
function escapeMount(path: string): string {
  const absolute = `/${path.replace(/^\/+/, '').replace(/\/+$/, '')}`;
  return absolute.replace(
    /[ \t\n\\]/g,
    (character) => `\\${character.charCodeAt(0).toString(8).padStart(3, '0')}`,
  );
}

function read(name: 'early' | 'functions' | 'init' | 'root' | 'service' | 'watcher'): string {
  return readScript(new URL(`./probe-${name}.sh`, import.meta.url));
}

function encodeFile(path: string, text: string | Uint8Array): Uint8Array {
  return encodeEntry(path, createMode('file', 0o755), text);
}

function encodeSymlink(path: string, target: string): Uint8Array {
  return encodeEntry(path, createMode('symlink', 0o777), target);
}

function encodeEntry(path: string, mode: number, text: string | Uint8Array): Uint8Array {
  const body = typeof text === 'string' ? encodePath(text) : text;
  const record = encodeRecord({ mode, filesize: body.length }, encodePath(path));
  return Buffer.concat([record, body, encodePadding(body.length)]);
}

function encodeArchive(files: ReadonlyMap<string, Uint8Array>): Uint8Array {
  return Buffer.concat([...files.values(), encodeTrailer()]);
}
