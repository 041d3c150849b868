import { declareSerialTest } from '../fixtures/needs.js';
import { buildGoodAlpine, noAlpineBench, set, withAlpine } from './alpine-bench.js';

declareSerialTest(
  noAlpineBench,
  'Alpine without a server of its share: the console says so and the boot goes on',
  (t) =>
    withAlpine(t, async (bench) => {
      // Nothing listens in the network that this guest sees, not even a port mapper.
      // Several attempts: on a busy machine the first one, which loads modules, has no answer within its 10 s.
      const settings = { server: '10.0.2.2', timeout: '30' };
      const expected = ['--expect', 'docker: started at [0-9.]+; mounts: none$'];
      const { report, console } = await buildGoodAlpine(
        t,
        bench,
        ['-p', 'nfs', ...set(settings), ...expected],
        {
          engine: 'local',
        },
      );
      t.is(report.boot?.reached, 'default runlevel');
      t.regex(
        console,
        /usermount: gave up after 30 s \(mount\.nfs: Connection refused.*\); the boot goes on/,
      );
      t.true(console.indexOf('usermount: gave up') < console.indexOf('docker: started'));
    }),
);
