import test from 'ava';
import { chooseEngine } from '#src/engine/choose.js';
import type { MobyPatchError } from '#src/model/error/error.js';
import type { Engine, EngineName } from '#src/model/patch/engine.js';

/** An engine that runs commands; `hint`: it is not ready. */
function sketch(name: EngineName, hint?: string): Engine {
  return {
    name,
    offers: ['commands'],
    blind: [],
    probe: async () =>
      hint === undefined ? { ready: true, reason: 'ready' } : { ready: false, reason: 'none', hint },
    executor: () => {
      throw new Error('nothing is started');
    },
  };
}

const docker = sketch('docker', 'start Docker');
const local = sketch('local', 'run it with sudo');

test('a hint names no engine that was found absent', async (t) => {
  const refuse = (wanted: EngineName | 'auto', ...engines: Engine[]) =>
    t.throwsAsync<MobyPatchError>(chooseEngine({ wanted, needs: ['commands'], engines }));
  t.is((await refuse('auto', docker, local))?.hint, 'start Docker; or run it with sudo');
  t.is((await refuse('local', docker, local))?.hint, 'run it with sudo');
  t.is((await refuse('local', sketch('docker'), local))?.hint, 'run it with sudo; or use --engine docker');
  t.is((await refuse('docker', docker, sketch('local')))?.hint, 'start Docker; or use --engine local');
});
