import type { Change } from '#src/model/image/change.js';
import type { CommandRoot } from '#src/model/patch/engine.js';

/** A root that does what the test says and remembers what it was told. */
export function createFake(pulled: readonly Change[] = []) {
  const pushed: string[][] = [];
  const root: CommandRoot = {
    push: async (changes) =>
      void pushed.push(
        changes.map((change) => (change.op === 'put' ? `put ${change.entry.path}` : `remove ${change.path}`)),
      ),
    run: async () => ({ exitCode: 0, output: '' }),
    pull: async () => pulled,
    collect: async () => {},
    stop: () => void pushed.push(['stopped']),
    warnings: () => ['from the root'],
    [Symbol.asyncDispose]: async () => void pushed.push(['closed']),
  };
  return { root, pushed };
}
