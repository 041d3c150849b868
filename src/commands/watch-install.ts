import { mkdir, rm, stat } from 'node:fs/promises';
import { homedir } from 'node:os';
import { basename, dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createLaunchAgent, createSystemdUnits } from '../deploy/watch/service-files.js';
import { replaceFile } from '../io/output.js';
import { runProcess } from '../io/process.js';
import { MobyPatchError } from '../model/error.js';
import { findTarget } from './installed-image.js';
import type { CommandContext } from './shared/context.js';
import { printJson, printLines } from './shared/print.js';
import { usualSettle, type WatchFlags } from './watch.js';

const commandTimeout = 60;

/** Writes what launchd or systemd needs, has it checked, and starts it; or takes it back. */
export async function runInstall(flags: WatchFlags, context: CommandContext): Promise<void> {
  const kind = flags.service ?? (process.platform === 'darwin' ? 'launchd' : 'systemd');
  const { folder: state, found, name } = await findTarget(flags, context, () => {});
  const isNamedByVersion = found?.older !== undefined;
  const service = {
    name: (isNamedByVersion ? name : basename(state.path)).replace(/[^\w-]/g, '-'),
    argv: [process.execPath, fileURLToPath(new URL('../cli.js', import.meta.url)), ...listArguments(flags)],
    image: state.image,
    also: isNamedByVersion ? dirname(state.image) : undefined,
    folder: context.folder,
    environment: pickEnvironment(context),
    log: join(state.path, 'launchd.log'),
  };
  const files = kind === 'launchd' ? [createLaunchAgent(service)] : createSystemdUnits(service);
  const folder = flags.into === undefined ? chooseFolder(kind, context) : resolve(context.folder, flags.into);
  const paths = files.map(({ name }) => join(folder, name));
  const run = (argv: readonly string[]) =>
    runProcess(argv, { signal: context.signal, timeout: commandTimeout });
  const starts = flags.into === undefined;
  let checked: string | undefined;
  if (flags.uninstall) {
    if (starts && (await isThere(paths[0] ?? ''))) await stop(kind, paths, run);
    for (const path of paths) await rm(path, { force: true });
    if (starts && kind === 'systemd') await forget(paths, run);
  } else {
    await mkdir(folder, { recursive: true });
    await mkdir(state.path, { recursive: true, mode: 0o700 });
    for (const [index, { text }] of files.entries()) await replaceFile(paths[index] ?? '', text);
    checked = await lint(kind, paths, run);
    if (starts) await start(kind, paths, run);
  }
  const verb = flags.uninstall ? 'removed' : 'wrote';
  if (flags.json) return printJson(context, { service: kind, [verb]: paths, checked });
  await printLines(context, [
    ...paths.map((path) => `${verb} ${path}`),
    ...(checked === undefined ? [] : [checked]),
  ]);
}

/** Options that are there unless they are taken away. */
const isNegated = new Set(['verify', 'cache']);

/** The same options for `reapply`; relative paths are right, for the service starts in the same folder. */
function listArguments(flags: WatchFlags): string[] {
  const { interval, install, uninstall, service, into, json, settle = usualSettle, ...rest } = flags;
  const options = Object.entries(rest).flatMap(([key, value]) => {
    const name = key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
    if (isNegated.has(key)) return value ? [] : [`--no-${name}`];
    if (value === true) return [`--${name}`];
    return (Array.isArray(value) ? value : [value]).flatMap((each) => [`--${name}`, String(each)]);
  });
  return ['reapply', ...options, '--settle', String(settle)];
}

/** A service has almost no environment: these decide what is found and where the state is. */
function pickEnvironment({ environment }: CommandContext): Record<string, string> {
  const names = [
    'PATH',
    'HOME',
    'XDG_STATE_HOME',
    'XDG_CONFIG_HOME',
    'XDG_CACHE_HOME',
    'MOBY_PATCH_CACHE',
    'DOCKER_HOST',
  ];
  return Object.fromEntries(
    names.flatMap((name) => {
      const value = environment[name];
      return value === undefined ? [] : [[name, value]];
    }),
  );
}

function chooseFolder(kind: 'launchd' | 'systemd', { environment }: CommandContext): string {
  const home = environment.HOME ?? homedir();
  if (kind === 'launchd') return join(home, 'Library/LaunchAgents');
  if (process.getuid?.() === 0) return '/etc/systemd/system';
  return join(environment.XDG_CONFIG_HOME ?? join(home, '.config'), 'systemd/user');
}

type Run = (argv: readonly string[]) => Promise<{ exitCode: number; output: string }>;

/** Undefined where the system's checker is not installed. Files that it refuses are removed again. */
async function lint(kind: string, paths: readonly string[], run: Run): Promise<string | undefined> {
  const argv = kind === 'launchd' ? ['plutil', '-lint', ...paths] : ['systemd-analyze', 'verify', ...paths];
  const result = await run(argv).catch((error) => {
    if (error instanceof MobyPatchError && error.code === 'program-missing') return undefined;
    throw error;
  });
  if (result === undefined) return undefined;
  if (result.exitCode === 0) return `${argv.slice(0, 2).join(' ')} finds nothing wrong`;
  for (const path of paths) await rm(path, { force: true });
  throw new MobyPatchError('failed', 'service-invalid', `${argv[0]} refuses it: ${result.output.trim()}`, {
    path: paths[0],
  });
}

async function start(kind: string, [first = '']: readonly string[], run: Run): Promise<void> {
  const own = process.getuid?.() === 0 ? [] : ['--user'];
  const commands =
    kind === 'launchd'
      ? [['launchctl', 'bootstrap', `gui/${process.getuid?.() ?? 0}`, first]]
      : [
          ['systemctl', ...own, 'daemon-reload'],
          ['systemctl', ...own, 'enable', '--now', basename(first)],
        ];
  for (const argv of commands) {
    const { exitCode, output } = await run(argv);
    if (exitCode === 0) continue;
    throw new MobyPatchError('failed', 'service-not-started', `${argv.join(' ')}: ${output.trim()}`, {
      path: first,
      hint: 'the files are written; moby-patch watch --uninstall removes them',
    });
  }
}

/** Whether it ran or not: afterwards it does not, and systemd does not wait to try it once more. */
async function stop(kind: string, paths: readonly string[], run: Run): Promise<void> {
  const own = process.getuid?.() === 0 ? [] : ['--user'];
  const [first = '', ...services] = paths.map((path) => basename(path));
  const commands =
    kind === 'launchd'
      ? [['launchctl', 'bootout', `gui/${process.getuid?.() ?? 0}`, paths[0] ?? '']]
      : [
          ['systemctl', ...own, 'disable', '--now', first],
          ['systemctl', ...own, 'stop', ...services],
        ];
  for (const argv of commands) await run(argv);
}

/** What is not reset stays listed as failed, without a file. */
async function forget(paths: readonly string[], run: Run): Promise<void> {
  const own = process.getuid?.() === 0 ? [] : ['--user'];
  await run(['systemctl', ...own, 'reset-failed', ...paths.map((path) => basename(path))]);
  await run(['systemctl', ...own, 'daemon-reload']);
}

function isThere(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}
