import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { secretPrefix } from '../model/patch/secret.js';
import type { Environment, Places, ReadingSession } from '../model/session.js';

const packageFolder = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

export interface ReadingSessionOptions extends Partial<Omit<ReadingSession, 'places'>> {
  /** The working folder; default: that of the process. */
  readonly folder?: string;
}

/** Omitted options come from the process. */
export function createReadingSession(options: ReadingSessionOptions): ReadingSession {
  const { signal = new AbortController().signal, limits, folder = process.cwd(), log = () => {} } = options;
  const { environment: all = process.env, ask, onWork, showPart, showLine } = options;
  const { environment, secretVariables } = splitEnvironment(all);
  return {
    signal,
    limits,
    places: createPlaces(folder, all),
    environment,
    secretVariables: { ...secretVariables, ...options.secretVariables },
    log,
    onWork,
    showPart,
    showLine,
    ask,
  };
}

function splitEnvironment(all: Environment): Pick<ReadingSession, 'environment' | 'secretVariables'> {
  const isSecret = ([name]: readonly [string, unknown]) => name.startsWith(secretPrefix);
  return {
    environment: Object.fromEntries(Object.entries(all).filter((variable) => !isSecret(variable))),
    secretVariables: Object.fromEntries(Object.entries(all).filter(isSecret)),
  };
}

/** Follows the XDG base directories; macOS keeps state in its Application Support folder. */
function createPlaces(folder: string, environment: Environment): Places {
  const home = environment.HOME ?? homedir();
  const config = join(environment.XDG_CONFIG_HOME ?? join(home, '.config'), 'moby-patch');
  const roots = [folder, config, packageFolder];
  return {
    folder,
    patches: roots.map((root) => join(root, 'patches')),
    images: roots.map((root) => join(root, 'images')),
    cache: join(environment.XDG_CACHE_HOME ?? join(home, '.cache'), 'moby-patch'),
    state: locateState(home, environment),
    config,
    schemas: join(packageFolder, 'schema'),
    home,
  };
}

/** The places of a project whose configuration file is in another folder than the working one. */
export function placesOf(project: string, places: Places): Places {
  const [, ...patches] = places.patches;
  const [, ...images] = places.images;
  return {
    ...places,
    patches: [join(project, 'patches'), ...patches],
    images: [join(project, 'images'), ...images],
  };
}

function locateState(home: string, environment: Environment): string {
  if (environment.XDG_STATE_HOME) return join(environment.XDG_STATE_HOME, 'moby-patch');
  return process.platform === 'darwin'
    ? join(home, 'Library/Application Support/moby-patch')
    : join(home, '.local/state/moby-patch');
}
