// What `import test from 'ava'` is for a test file that shares a worker with others (see groups.mjs): it remembers what
// is declared, under the name of the file, until all files of the group are loaded. The runner takes nothing that is
// declared later than the rest, which happens when one of them waits for something before its tests.
import ava from 'ava';

export { registerCompletionHandler } from 'ava';

const hooks = new Set(['before', 'beforeEach', 'after', 'afterEach']);
const declared = [];

export default record(ava);

/** Declares the tests of the group; after its last file. */
export function declareTests() {
  for (const [declare, args] of declared) declare(...args);
}

/** `test`, `test.serial`, `test.skip`: all that can be called or be asked for more. */
function record(chain) {
  return new Proxy(chain, {
    apply(_, __, [title, ...rest]) {
      declared.push([chain, [`${findFile()} › ${title}`, ...rest]]);
    },
    get(_, name) {
      if (hooks.has(name))
        throw new Error(
          `${findFile()}: test.${name} would be for each file of the worker: a unit test has none`,
        );
      return typeof chain[name] === 'function' ? record(chain[name]) : chain[name];
    },
  });
}

/** The test file that is being loaded, which is on the stack: a fixture may declare for it. */
function findFile() {
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = Infinity;
  const { stack } = new Error();
  Error.stackTraceLimit = stackTraceLimit;
  return /build\/groups\/(\S+?)\.unit\.test\.js/.exec(stack)?.[1].replaceAll('/', ' › ');
}
