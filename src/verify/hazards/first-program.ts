import { isElf } from '../../format/kind/elf.js';
import { showMode } from '../../format/mode.js';
import { showPath } from '../../format/path.js';
import type { Hazard } from '../../model/result/hazard.js';
import { describeEarlyAlone } from '../describe-early.js';
import type { Facts } from './facts.js';
import { type Trace, traceProgram } from './libraries.js';

// BINPRM_BUF_SIZE, and how often a script's interpreter may be a script (fs/exec.c).
const longestShebang = 256;
const mostInterpreters = 5;
const pathFolders = ['bin', 'usr/bin', 'sbin', 'usr/sbin'];

/** In the order of a kernel that boots from a disk (init/main.c). */
const diskPrograms = ['sbin/init', 'etc/init', 'bin/init', 'bin/sh'];

/** `/init`, and everything that must exist before its first line is run. */
export function traceFirstProgram(facts: Facts): Trace {
  const paths = facts.isDisk === true ? diskPrograms : ['init'];
  const path = paths.find((each) => facts.follow(each) !== undefined);
  if (path !== undefined) return traceExecutable(facts, path, mostInterpreters);
  return only(facts.isDisk === true ? createNoProgramHazard() : createMissingHazard(facts));
}

function traceExecutable(facts: Facts, path: string, left: number): Trace {
  const entry = facts.follow(path);
  if (entry === undefined) return only(createInterpreterHazard(path, 'does not exist'));
  if (entry.type !== 'file' || (entry.mode & 0o111) === 0)
    return only(createModeHazard(path, showMode(entry.type, entry.mode)));
  const body = facts.body(path);
  if (body === undefined) return { hazards: [], wanted: [entry.path] };
  if (isElf(body)) return traceProgram(facts, entry.path);
  if (body[0] !== 0x23 || body[1] !== 0x21) return only(createFormatHazard(path, body));
  const [line = ''] = Buffer.from(body.subarray(2, longestShebang)).toString('latin1').split('\n', 1);
  if (line.endsWith('\r')) return only(createLineEndHazard(path, line));
  const [interpreter = '', argument] = line.trim().split(/[ \t]+/);
  if (facts.follow(interpreter) === undefined)
    return only(
      createInterpreterHazard(interpreter, `does not exist, and the first line of ${path} names it`),
    );
  const traces = left > 0 ? [traceExecutable(facts, interpreter, left - 1)] : [];
  if (interpreter.endsWith('/env') && argument !== undefined)
    traces.push(traceCommand(facts, argument, left));
  return {
    hazards: traces.flatMap(({ hazards }) => hazards),
    wanted: traces.flatMap(({ wanted }) => wanted),
  };
}

/** The program that `env` finds on the kernel's own PATH. */
function traceCommand(facts: Facts, name: string, left: number): Trace {
  const found = pathFolders.map((folder) => `${folder}/${name}`).find((path) => facts.follow(path));
  if (found !== undefined && left > 0) return traceExecutable(facts, found, left - 1);
  return found === undefined
    ? only(createInterpreterHazard(name, 'is in no program folder'))
    : { hazards: [], wanted: [] };
}

const only = (hazard: Hazard): Trace => ({ hazards: [hazard], wanted: [] });

function createMissingHazard(facts: Facts): Hazard {
  const entry = facts.image.entries.get('init');
  const early = describeEarlyAlone(facts.image);
  const dangling = entry?.type === 'symlink' ? ` (it is a symlink to ${showPath(entry.target ?? '')})` : '';
  return {
    code: 'init-missing',
    severity: 'fatal',
    path: 'init',
    message: `the image has no /init${dangling}: a kernel then looks for another root file system, and panics without one`,
    hint:
      early === undefined
        ? 'add /init, or boot with rdinit=PROGRAM'
        : `it holds nothing but ${early}: give it in front of an initrd, as two files of one image`,
  };
}

function createNoProgramHazard(): Hazard {
  return {
    code: 'init-missing',
    severity: 'fatal',
    path: 'sbin/init',
    message: 'the disk has none of /sbin/init, /etc/init, /bin/init and /bin/sh: a kernel panics',
    hint: 'add /sbin/init, or boot with init=PROGRAM',
  };
}

function createModeHazard(path: string, mode: string): Hazard {
  return {
    code: path === 'init' ? 'init-not-executable' : 'interpreter-not-executable',
    severity: 'fatal',
    path: strip(path),
    message: `found ${mode}, wanted an executable regular file: a kernel panics, or hangs silently`,
    hint: `add a step: - mode: {path: ${strip(path)}, mode: 0o755}`,
  };
}

function createFormatHazard(path: string, body: Uint8Array): Hazard {
  const start = Buffer.from(body.subarray(0, 4)).toString('hex');
  return {
    code: 'init-unknown-format',
    severity: 'fatal',
    path: strip(path),
    message: `found ${body.length === 0 ? 'an empty file' : `a file that begins with the bytes ${start}`}, wanted an ELF program or a script with #! (a kernel says "error -8")`,
    hint: 'begin a script with #!/bin/sh',
  };
}

function createLineEndHazard(path: string, line: string): Hazard {
  return {
    code: 'init-crlf',
    severity: 'fatal',
    path: strip(path),
    message: `the first line ends in CR LF, so a kernel looks for an interpreter named "${showPath(line.trim())}\\r"`,
    hint: `give it LF line ends: sed -i 's/\\r$//' FILE`,
  };
}

function createInterpreterHazard(path: string, what: string): Hazard {
  return {
    code: 'interpreter-missing',
    severity: 'fatal',
    path: strip(path),
    message: `the interpreter ${showPath(path)} ${what}`,
    hint: 'add the package that brings it, or name another interpreter',
  };
}

const strip = (path: string) => path.replace(/^\/+/, '');
