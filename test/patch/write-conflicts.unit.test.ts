import test from 'ava';
import { createPlan } from '#src/patch/plan.js';
import { createPatch } from './support/patch-folder.js';

const certificate = 'from: ca.pem';

// Two steps, and what both decide; without it they go together.
const pairs: readonly (readonly [string, string, string?])[] = [
  ['script: {path: bin/x, content: "#!/bin/sh\\n"}', 'script: {path: bin/x, content: "#!/bin/sh"}', 'bin/x'],
  ['script: {path: bin/x, from: x.sh}', 'script: {path: bin/x, content: "#!/bin/sh\\n"}'],
  ['file: {path: srv/x.sh, content: "#!/bin/sh\\n"}', 'copy: {from: tree, to: /srv}'],
  ['file: {path: srv/x.sh, content: "#!/bin/sh"}', 'copy: {from: tree, to: /srv}', 'srv/x.sh'],
  ['file: {path: etc/localtime, content: x}', 'timezone: Europe/Berlin', 'etc/localtime'],
  ['timezone: Europe/Berlin', 'timezone: UTC', 'etc/localtime'],
  ['resolver: {nameservers: [10.0.0.1]}', 'resolver: {nameservers: [10.0.0.2]}', 'etc/resolv.conf'],
  ['resolver: {nameservers: [10.0.0.1]}', 'file: {path: etc/resolv.conf, content: "nameserver 10.0.0.1\\n"}'],
  ['locale: C.UTF-8', 'locale: {lang: C.UTF-8}'],
  ['locale: C.UTF-8', 'locale: de_DE.UTF-8', 'the variable LANG of logins'],
  ['hostname: a', 'hostname: b', 'etc/hostname'],
  ['hosts: {10.0.0.1: a}', 'hosts: {10.0.0.1: [a, b], "fd00::1": a}'],
  ['hosts: {10.0.0.1: [a, b]}', 'hosts: {10.0.0.2: b}', 'etc/hosts: b (IPv4)'],
  ['environment: {A: x}', 'environment: {B: y}'],
  ['environment: {A: x}', 'environment: {A: y}', 'etc/profile.d/90-moby-patch.sh: A'],
  ['sysctl: {vm.swappiness: 1}', 'sysctl: {vm/swappiness: "1", vm.overcommit_memory: 1}'],
  [
    'sysctl: {vm.swappiness: 1}',
    'sysctl: {vm/swappiness: 2}',
    'etc/sysctl.d/90-moby-patch.conf: vm.swappiness',
  ],
  [`certificate: {name: a, ${certificate}}`, `certificate: {name: b, ${certificate}}`],
  [`certificate: {name: a, ${certificate}}`, 'certificate: {name: a, from: other.pem}', 'certificate a'],
  ['cron: {name: a, schedule: "@daily", command: x}', 'cron: {name: b, schedule: "@daily", command: x}'],
  [
    'cron: {name: a, schedule: "@daily", command: x}',
    'cron: {name: a, schedule: "@daily", command: y}',
    'cron job a',
  ],
  ['service: {name: a, command: [/bin/x]}', 'service: {name: a, runlevel: boot}'],
  ['service: {name: a, command: [/bin/x]}', 'service: {name: a, command: [/bin/y]}', 'service a'],
  ['mount: {source: "a:/x", target: /x}', 'mount: {source: "b:/x", target: /x}', 'the mount point /x'],
  ['hook: {name: a, stage: early, run: x}', 'hook: {name: a, stage: late, run: x}', 'etc/moby-patch/hooks/a'],
  ['module: {name: nfs}', 'module: {name: nfs, blacklist: true}', 'modules of the boot: nfs'],
  [
    'module: {name: a-b, options: x=1}',
    'module: {name: a-b, options: x=2}',
    'etc/modprobe.d/moby-patch-a-b.conf: options',
  ],
  ['append: {path: etc/x, content: a}', 'append: {path: etc/x, content: b}'],
  ['line: {path: etc/x, line: a}', 'file: {path: etc/x, content: b}'],
];

const rest = { settings: {}, image: '0'.repeat(64), stamp: 7 };
const files = { 'x.sh': '#!/bin/sh\n', 'tree/x.sh': '#!/bin/sh\n', 'ca.pem': 'a', 'other.pem': 'b' };

for (const [one, other, place] of pairs)
  test(`${one} and ${other} ${place === undefined ? 'go together' : `conflict at ${place}`}`, async (t) => {
    const load = (step: string) => createPatch(t, `steps:\n  - ${step}\n`, files);
    const plan = async () => createPlan({ patches: [await load(one), await load(other)], ...rest });
    if (place === undefined) {
      t.is((await plan()).steps.length, 2);
      return;
    }
    const error = await t.throwsAsync(plan, { code: 'patch-invalid' });
    t.true(
      error?.message.includes(` writes something else to ${place}, wanted one of the two`),
      error?.message,
    );
  });

test('a patch may change its own value of a shared file', async (t) => {
  const yaml = 'steps:\n  - sysctl: {vm.swappiness: 1}\n  - sysctl: {vm.swappiness: 2}\n';
  t.is((await createPlan({ patches: [await createPatch(t, yaml)], ...rest })).steps.length, 2);
});
