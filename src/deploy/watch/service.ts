import { mkdir, rm } from 'node:fs/promises';
import { homedir } from 'node:os';
import { basename, dirname, join, resolve } from 'node:path';
import { exists } from '../../io/file/exists.js';
import { replaceFile } from '../../io/place/output.js';
import { runProcess } from '../../io/process/process.js';
import { MobyPatchError } from '../../model/error/error.js';
import type { Environment, ReadingSession } from '../../model/session.js';
import { assertOwnState } from '../state/state-folder.js';
import { findTarget, type TargetOptions } from '../target.js';
import { createLaunchAgent, createSystemdUnits, type Service, type ServiceFile } from './service-files.js';

export interface ServiceOptions {
  readonly target: TargetOptions;
  /** Default: launchd on macOS, systemd elsewhere. */
  readonly manager?: ManagerName | undefined;
  /** Write the files into this folder, and start nothing. */
  readonly into?: string | undefined;
  /** The command that patches the image; the first word is an absolute path. */
  readonly argv: readonly string[];
}

/** What was written or removed. */
export interface ServiceChange {
  readonly service: ManagerName;
  readonly paths: readonly string[];
  /** What the checker of the system says of the files; undefined where it is not installed. */
  readonly checked?: string | undefined;
}

/**
 * Lets launchd or systemd run a command when the image is replaced: writes the files, has them checked, and starts
 * them. Errors: `service-invalid`, `service-not-started` (`failed`), those of `findTarget`.
 */
export async function installService(
  options: ServiceOptions,
  session: ReadingSession,
): Promise<ServiceChange> {
  const { name, manager, files, paths, folder, state, run } = await prepare(options, session);
  await assertOwnState(session.places.state, { caller: false });
  await mkdir(folder, { recursive: true });
  await mkdir(state, { recursive: true, mode: 0o700 });
  for (const [index, { text }] of files.entries()) await replaceFile(paths[index] ?? '', text, []);
  const checked = await check(manager.check(paths), paths, run);
  if (options.into === undefined) await start(manager.start(paths), paths, run);
  return { service: name, paths, checked };
}

/** Stops the service and removes its files; what does not exist is no error. Errors: those of `findTarget`. */
export async function uninstallService(
  options: ServiceOptions,
  session: ReadingSession,
): Promise<ServiceChange> {
  const { name, manager, paths, run } = await prepare(options, session);
  const isStarted = options.into === undefined;
  if (isStarted && (await exists(paths[0] ?? ''))) for (const argv of manager.stop(paths)) await run(argv);
  for (const path of paths) await rm(path, { force: true });
  if (isStarted) for (const argv of manager.forget(paths)) await run(argv);
  return { service: name, paths };
}

type ManagerName = 'launchd' | 'systemd';

interface Manager {
  createFiles(service: Service): readonly ServiceFile[];
  /** Where the manager looks for files of the user. */
  locate(home: string, environment: Environment): string;
  check(paths: readonly string[]): readonly string[];
  start(paths: readonly string[]): readonly (readonly string[])[];
  /** Works whether the service is running or not; systemd does not start it once more. */
  stop(paths: readonly string[]): readonly (readonly string[])[];
  /** After the files were removed. */
  forget(paths: readonly string[]): readonly (readonly string[])[];
}

const managers: Readonly<Record<ManagerName, Manager>> = {
  launchd: {
    createFiles: (service) => [createLaunchAgent(service)],
    locate: (home) => join(home, 'Library/LaunchAgents'),
    check: (paths) => ['plutil', '-lint', ...paths],
    start: ([path = '']) => [['launchctl', 'bootstrap', guiDomain(), path]],
    stop: ([path = '']) => [['launchctl', 'bootout', guiDomain(), path]],
    forget: () => [],
  },
  systemd: {
    createFiles: createSystemdUnits,
    locate: (home, environment) =>
      process.getuid?.() === 0
        ? '/etc/systemd/system'
        : join(environment.XDG_CONFIG_HOME ?? join(home, '.config'), 'systemd/user'),
    check: (paths) => ['systemd-analyze', 'verify', ...paths],
    start: ([path = '']) => [systemctl('daemon-reload'), systemctl('enable', '--now', basename(path))],
    stop: ([path = '', ...services]) => [
      systemctl('disable', '--now', basename(path)),
      systemctl('stop', ...services.map((service) => basename(service))),
    ],
    // A failed unit stays listed without its file until it is reset.
    forget: (paths) => [
      systemctl('reset-failed', ...paths.map((path) => basename(path))),
      systemctl('daemon-reload'),
    ],
  },
};

function guiDomain(): string {
  return `gui/${process.getuid?.() ?? 0}`;
}

function systemctl(...argv: readonly string[]): readonly string[] {
  return ['systemctl', ...(process.getuid?.() === 0 ? [] : ['--user']), ...argv];
}

type Run = (argv: readonly string[]) => Promise<{ exitCode: number; output: string }>;

/** Seconds. */
const commandTimeout = 60;

async function prepare(options: ServiceOptions, session: ReadingSession) {
  const { places, environment, signal } = session;
  const { folder: state, image, name } = await findTarget(options.target, { ...session, log: () => {} });
  const managerName = options.manager ?? (process.platform === 'darwin' ? 'launchd' : 'systemd');
  const manager = managers[managerName];
  const isNamedByVersion = image?.older !== undefined;
  const files = manager.createFiles({
    name: (isNamedByVersion ? name : basename(state.path)).replace(/[^\w-]/g, '-'),
    argv: options.argv,
    image: state.image,
    also: isNamedByVersion ? dirname(state.image) : undefined,
    folder: places.folder,
    environment: pickEnvironment(environment),
    log: join(state.path, 'launchd.log'),
  });
  const folder =
    options.into === undefined
      ? manager.locate(environment.HOME ?? homedir(), environment)
      : resolve(places.folder, options.into);
  const paths = files.map((file) => join(folder, file.name));
  const run: Run = (argv) => runProcess(argv, { signal, timeout: commandTimeout });
  return { name: managerName, manager, files, paths, folder, state: state.path, run };
}

/** A service starts with almost no environment; these variables decide what it finds, and where the state is. */
function pickEnvironment(environment: Environment): Record<string, string> {
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

/** Undefined where the checker is not installed. Files that it refuses are removed again. */
async function check(
  argv: readonly string[],
  paths: readonly string[],
  run: Run,
): Promise<string | undefined> {
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

async function start(
  commands: readonly (readonly string[])[],
  paths: readonly string[],
  run: Run,
): Promise<void> {
  for (const argv of commands) {
    const { exitCode, output } = await run(argv);
    if (exitCode === 0) continue;
    throw new MobyPatchError('failed', 'service-not-started', `${argv.join(' ')}: ${output.trim()}`, {
      path: paths[0],
      hint: 'the files are written; moby-patch watch --uninstall removes them',
    });
  }
}
