import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ScanLimits } from '../model/limits.js';

/** What a command gets from the process: its environment and its streams enter the program here only. */
export interface CommandContext {
  readonly signal: AbortSignal;
  /** Of what is read; the usual ones where the user has not said otherwise. */
  readonly limits?: Partial<ScanLimits> | undefined;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly folder: string;
  readonly stdin: NodeJS.ReadableStream;
  readonly stdout: NodeJS.WritableStream;
  readonly stderr: NodeJS.WritableStream & {
    readonly isTTY?: boolean | undefined;
    readonly columns?: number | undefined;
  };
  setExitCode(code: number): void;
}

/** Where the things of this machine's user and of the program itself are. */
export interface Places {
  /** Folders in which an id is looked up: the project's, the user's, the package's. */
  readonly patches: readonly string[];
  readonly images: readonly string[];
  readonly cache: string;
  /** JSON schemas, for editors. */
  readonly schemas: string;
  readonly home: string;
}

const packageFolder = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

/** `project`: the folder of the configuration file. The rest follows the XDG base directories. */
export function findPlaces(context: CommandContext, project: string): Places {
  const { environment } = context;
  const home = environment.HOME ?? homedir();
  const config = join(environment.XDG_CONFIG_HOME ?? join(home, '.config'), 'moby-patch');
  const roots = [project, config, packageFolder];
  return {
    patches: roots.map((root) => join(root, 'patches')),
    images: roots.map((root) => join(root, 'images')),
    cache: join(environment.XDG_CACHE_HOME ?? join(home, '.cache'), 'moby-patch'),
    schemas: join(packageFolder, 'schema'),
    home,
  };
}
