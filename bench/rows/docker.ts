import { overheadWithin, time } from '../goals.js';
import type { Bench, Row } from '../row.js';

const packages = 'nfs-common rpcbind';

export function listDockerRows({ moby, inputs: { reference }, noDocker }: Bench): readonly Row[] {
  const build = `${moby} build -q -i ${reference.initrd} -p ./packages --engine docker --no-verify -o out.img`;
  const patch = `title: packages\\nsteps:\\n  - package: {apt: [${packages.replace(' ', ', ')}]}\\n`;
  const apt = `printf "#!/bin/sh\\nexit 101\\n" > /usr/sbin/policy-rc.d; chmod 755 /usr/sbin/policy-rc.d; apt-get update -q && apt-get install -qy --no-install-recommends ${packages}`;
  return [
    {
      id: 'docker-package',
      work: 'A package patch on the reference image, Docker engine, root and downloads cached',
      note: `Both install ${packages}; the other one starts from an imported root whose apt has the lists and archives, and ends when apt is done. It compiles Python byte code, which ours leaves out; ours reads the root, writes an image and checks it. Before each run, the results of the steps are removed from our cache.`,
      reads: [reference.initrd],
      missing: noDocker,
      contenders: [
        {
          name: 'moby-patch build --engine docker',
          prepare: `test -e packages || (mkdir packages && printf '${patch}' > packages/patch.yaml && rm -rf cache && ${build}); rm -rf cache/steps`,
          command: build,
          output: 'out.img',
        },
        {
          name: 'apt-get in a container',
          prepare: `test -e root.id || (mkdir root; cd root; zcat ${reference.initrd} 2> zeros | cpio -idm --quiet; rm zeros; tar -c . | docker import - > ../imported.id; cd ..; rm -rf root; docker run --name bench-apt $(cat imported.id) /bin/sh -c 'rm -f /etc/apt/apt.conf.d/docker-clean; apt-get update -q && apt-get install -qyd --no-install-recommends ${packages}' && docker commit bench-apt > root.id && docker rm bench-apt)`,
          command: `docker run --rm -e DEBIAN_FRONTEND=noninteractive $(cat root.id) /bin/sh -c '${apt}'`,
        },
      ],
      goals: [overheadWithin(1, time('apt-get in a container'))],
    },
  ];
}
