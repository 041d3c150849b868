import { randomUUID } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { findMissingProgram } from '../fixtures/needs.js';
import { noNfsServer, startNfsServer } from '../fixtures/nfs-server.js';
import { findModules } from './modules.js';
import { bootTest, createInit, withBench } from './tiny-guest.js';
import { writeTinyImage } from './tiny-image.js';

const drivers = ['virtio_pci', 'virtio_net', 'virtio_rng', 'af_packet', 'nfs', 'nfsv3'];

const noServer = noNfsServer ?? findMissingProgram('depmod');

bootTest(
  'a guest mounts a share of a server on this machine, reads from it and writes to it',
  (t) =>
    withBench(t, async ({ folder, kernel, boot }) => {
      const modules = await findModules(kernel, drivers);
      if (typeof modules === 'string') throw new Error(modules);
      await using server = await startNfsServer();
      const nonce = randomUUID();
      await writeFile(join(server.folder, 'nonce'), nonce);
      const options = `vers=3,nolock,noacl,tcp,port=${server.port},mountport=${server.mountPort},mountproto=tcp`;
      const init = createInit(`${modules.load}
ip link set eth0 up
ip address add 10.0.2.15/24 dev eth0
mount -t nfs -o ${options} 10.0.2.2:${server.share} /mnt || { echo mount failed; busybox poweroff -f; }
echo from the guest >/mnt/written
echo "mounted: $(cat /mnt/nonce)"`);
      const image = await writeTinyImage(join(folder, 'image'), init, modules.entries);
      const result = await boot(image, {
        network: 'host',
        expects: [{ console: `^mounted: ${nonce}` }, { file: 'mnt/nonce', content: nonce }],
      });
      t.is(result.reason, undefined);
      t.is(await readFile(join(server.folder, 'written'), 'utf8'), 'from the guest\n');
      t.log(`${result.seconds.toFixed(1)} s`);

      const isolated = await boot(image, { network: 'isolated', expects: [{ console: '^mounted: .' }] });
      t.is(isolated.verdict, 'refused', 'an isolated guest cannot reach this machine');
      t.regex(await readFile(isolated.console, 'utf8'), /^mount failed/m);
    }),
  noServer,
);
