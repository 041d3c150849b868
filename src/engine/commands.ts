import type { Cache } from '../model/cache.js';
import type { Archive } from '../model/image/archive.js';
import type { Change } from '../model/image/change.js';
import type { CommandRoot, Executor } from '../model/patch/engine.js';
import type { RunOptions, RunResult, VendoredFile } from '../model/patch/workspace.js';
import { runWithDownloads } from './downloads.js';
import { type Overlay, pathOf } from './overlay.js';

/** The commands of a workspace. The first one starts the executor: a build without commands never starts anything. */
export interface Commands extends AsyncDisposable {
  /** Starts early if an earlier build left the root; an import is too expensive for a command that may never run. */
  expect(): void;
  /** Applies the news of the overlay to the root first. */
  run(argv: readonly string[], options: RunOptions): Promise<RunResult>;
  /** Whether a command has run since the last pull. */
  isBehind(): boolean;
  /** Everything that differs from the image; undefined when no command has run since the last pull. */
  pull(): Promise<readonly Change[] | undefined>;
  /** Ends what runs commands; pulled bodies stay valid. */
  end(): void;
  warnings(): readonly string[];
}

export interface CommandsOptions {
  readonly image: Archive;
  readonly executor: Executor;
  readonly overlay: Overlay;
  readonly isBlind: (path: string) => boolean;
  readonly cache: Cache;
  /** In a build without a network: what is kept beside the lock. */
  readonly vendored?: readonly VendoredFile[] | undefined;
}

export function createCommands(options: CommandsOptions): Commands {
  const { image, executor, overlay, isBlind, cache } = options;
  let early: Promise<CommandRoot | undefined> = Promise.resolve(undefined);
  let root: CommandRoot | undefined;
  let behind = false;

  async function pushNews(target: CommandRoot): Promise<void> {
    const changes = overlay.takeNews().filter((change) => !isBlind(pathOf(change)));
    if (changes.length > 0) await target.push(changes);
  }

  return {
    expect() {
      early = startEarly(executor);
      // The error surfaces at the first command; without one it must not raise an unhandled rejection.
      early.catch(() => {});
    },
    async run(argv, runOptions) {
      const begin = async () => {
        root ??= (await early) ?? (await executor.start());
        await pushNews(root);
        behind = true;
        return root;
      };
      const { downloads } = runOptions;
      if (downloads === undefined) return (await begin()).run(argv, runOptions);
      const vendored = options.vendored?.filter(({ manager }) => manager === downloads.manager);
      const imageSha256 = image.layout.sha256;
      return runWithDownloads({ begin, argv, options: runOptions, downloads, imageSha256, cache, vendored });
    },
    isBehind: () => behind,
    async pull() {
      if (!behind || root === undefined) return undefined;
      const changes = await root.pull();
      behind = false;
      return changes;
    },
    end() {
      if (root !== undefined) root.stop();
      else early.then((started) => started?.stop()).catch(() => {});
    },
    warnings: () => root?.warnings() ?? [],
    async [Symbol.asyncDispose]() {
      const started = root ?? (await early.catch(() => undefined));
      await started?.[Symbol.asyncDispose]();
    },
  };
}

async function startEarly(executor: Executor): Promise<CommandRoot | undefined> {
  return (await executor.hasRoot?.()) ? executor.start() : undefined;
}
