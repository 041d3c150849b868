import { facilities } from '../facilities.js';
import type { MountDefinition, ServiceDefinition, ServiceOrder } from '../init-system.js';
import { isBootLevel } from '../script-text.js';
import { escapeSpecifiers, quoteArgument, quoteUnitWord } from './systemd-escape.js';
import { nameUnit } from './systemd-units.js';

type Line = readonly [key: string, value: string];

export function createServiceUnit(service: ServiceDefinition): string {
  const { command, user, folder, environment, type, restart } = service;
  const isEarly = isBootLevel(service.runlevel);
  return formatUnit({
    Unit: [
      ['Description', escapeSpecifiers(service.description)],
      ...(isEarly ? earlyUnit : []),
      ...listOrder(service),
    ],
    Service: [
      ...(type === 'once' ? onceService : [['Type', 'simple'] as const]),
      ['ExecStart', command.map(quoteArgument).join(' ')],
      ...(user === undefined ? [] : [['User', user] as const]),
      ...(folder === undefined ? [] : [['WorkingDirectory', escapeSpecifiers(folder)] as const]),
      ...Object.entries(environment).map(
        ([name, value]): Line => ['Environment', quoteUnitWord(`${name}=${value}`)],
      ),
      ...(type === 'daemon' && restart ? againService : []),
    ],
    Install: [['WantedBy', isEarly ? 'sysinit.target' : 'multi-user.target']],
  });
}

const onceService: readonly Line[] = [
  ['Type', 'oneshot'],
  ['RemainAfterExit', 'yes'],
];
const againService: readonly Line[] = [
  ['Restart', 'always'],
  ['RestartSec', '1'],
];
/** A service of sysinit.target: by default one comes after it (systemd.service(5)). */
const earlyUnit: readonly Line[] = [
  ['DefaultDependencies', 'no'],
  ['Conflicts', 'shutdown.target'],
  ['After', 'local-fs.target'],
  ['Before', 'sysinit.target shutdown.target'],
];

/** Types that systemd takes for those of a network (fstype_is_network). */
const networkTypes =
  /^(fuse\.)?(afs|ceph|cifs|smb3|smbfs|sshfs|ncpfs|ncp|nfs4?|gfs2?|glusterfs|davfs|pvfs2)$/;

export function createMountUnit(mount: MountDefinition): string {
  const { source, target, type, options, timeout } = mount;
  const isNetwork = networkTypes.test(type) || options.split(',').includes('_netdev');
  const after = isNetwork ? ['network', ...mount.after] : mount.after;
  return formatUnit({
    Unit: [
      ['Description', escapeSpecifiers(`${mount.name}: ${source} on ${target}`)],
      ...listOrder({ ...mount, after }),
    ],
    Mount: [
      ['What', escapeSpecifiers(source)],
      ['Where', escapeSpecifiers(target)],
      ['Type', type],
      ['Options', escapeSpecifiers(options)],
      ['TimeoutSec', String(timeout)],
    ],
    // The other unit starts it when somebody looks into the folder.
    ...(mount.automount ? {} : { Install: [['WantedBy', 'multi-user.target']] as const }),
  });
}

export function createAutomountUnit(mount: MountDefinition): string {
  const { source, target, before } = mount;
  return formatUnit({
    Unit: [
      ['Description', escapeSpecifiers(`${mount.name}: ${source} on ${target}, when it is used`)],
      ...listOrder({ needs: [], after: [], before }),
    ],
    Automount: [['Where', escapeSpecifiers(target)]],
    Install: [['WantedBy', 'multi-user.target']],
  });
}

/** A target that nothing else brings has to be wanted as well. */
function listOrder({ needs, after, before }: ServiceOrder): Line[] {
  const isFacility = (name: string) => facilities.has(name);
  const units = (names: readonly string[]) =>
    [...new Set(names.map((name) => facilities.get(name)?.systemd ?? nameUnit(name)))].join(' ');
  const lines: Line[] = [
    ['Requires', units(needs.filter((name) => !isFacility(name)))],
    ['Wants', units([...needs, ...after].filter(isFacility))],
    ['After', units([...needs, ...after])],
    ['Before', units(before)],
  ];
  return lines.filter(([, value]) => value !== '');
}

function formatUnit(sections: Readonly<Record<string, readonly Line[]>>): string {
  const texts = Object.entries(sections).map(([name, lines]) =>
    // A backslash at the end of a line would continue it; white space there is not a part of the value.
    [`[${name}]`, ...lines.map(([key, value]) => `${key}=${value.replace(/\\$/, '\\ ')}`), ''].join('\n'),
  );
  return texts.join('\n');
}
