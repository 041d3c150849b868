import { showPath } from '../../format/path.js';
import type { Hazard } from '../../model/result/hazard.js';
import type { Facts } from './facts.js';

/** What an installation makes for one machine, and every machine that boots the image gets. */
interface Kind {
  readonly code: string;
  readonly path: RegExp;
  /** Sizes at which the file holds something; default: any but 0. */
  readonly size?: (size: number) => boolean;
  readonly why: string;
  /** A step that takes it out, and what makes it at boot; PATH stands for the path. */
  readonly remedy: string | ((facts?: Facts) => string);
}

const impostor =
  'every machine that boots this image has this private key, and anyone with the image can pose as any of them';

const hasSystemd = (facts?: Facts) =>
  ['lib/systemd/systemd', 'usr/lib/systemd/systemd'].some((path) => facts?.follow(path) !== undefined);

/** systemd wants an empty file, which it fills at boot; dbus-uuidgen --ensure, in the services of dbus, wants none. */
function explainMachineId(facts?: Facts): string {
  return hasSystemd(facts)
    ? 'add steps: - file: {path: etc/machine-id, content: ""} and - symlink: {path: var/lib/dbus/machine-id, target: /etc/machine-id}; systemd makes one at boot'
    : 'add a step: - run: rm -f /etc/machine-id /var/lib/dbus/machine-id; the service of dbus makes one at boot';
}

const kinds: readonly Kind[] = [
  {
    code: 'host-key',
    path: /^etc\/ssh\/ssh_host_[^/]+_key$/,
    why: impostor,
    remedy: 'add a step after the package: - ssh-host-keys: first-boot',
  },
  {
    code: 'host-key',
    path: /^etc\/dropbear\/dropbear_[^/]+_host_key$/,
    why: impostor,
    remedy:
      'add a step: - run: rm -f /etc/dropbear/dropbear_*_host_key; and start dropbear with -R, which makes them at boot',
  },
  {
    code: 'machine-id',
    path: /^(?:etc|var\/lib\/dbus)\/machine-id$/,
    // 32 digits and a line break; systemd writes "uninitialized" where there is none yet.
    size: (size) => size >= 32,
    why: 'every machine that boots this image has the same id: logs, DHCP leases and addresses made from it collide',
    remedy: explainMachineId,
  },
  {
    code: 'random-seed',
    path: /^(?:var\/lib\/(?:systemd|urandom|misc)\/random-seed|var\/lib\/seedrng\/seed[^/]*|boot\/(?:efi\/)?loader\/random-seed)$/,
    why: 'every machine that boots this image begins with the same random numbers, which anyone with the image knows',
    remedy: 'add a step: - remove: {path: PATH, missing: ok}; the system writes one when it shuts down',
  },
  {
    code: 'snakeoil-key',
    path: /^etc\/ssl\/private\/ssl-cert-snakeoil\.key$/,
    why: impostor,
    remedy:
      'add a step: - run: rm -f /etc/ssl/private/ssl-cert-snakeoil.key /etc/ssl/certs/ssl-cert-snakeoil.pem; and run make-ssl-cert generate-default-snakeoil at boot',
  },
  {
    code: 'machine-name',
    path: /^etc\/(?:hostid|iscsi\/initiatorname\.iscsi|nvme\/host(?:id|nqn))$|^var\/lib\/NetworkManager\/secret_key$/,
    why: 'every machine that boots this image has the same one, which storage and networks take for one machine',
    remedy:
      'add a step: - remove: {path: PATH, missing: ok}; and make it at boot, as the scripts of its package do',
  },
];

/** Files that mostly differ from build to build, and that no running system needs. */
const leftovers: readonly RegExp[] = [
  /^var\/cache\/ldconfig\/aux-cache$/,
  /^var\/cache\/(?:apt\/.*\.bin|debconf\/.*-old|man\/.*)$/,
  /^var\/log\/.+/,
  /^var\/lib\/(?:apt\/lists\/.+|dpkg\/.*-old|systemd\/catalog\/database)$/,
  /(?:^|\/)__pycache__\/.+\.pyc$/,
];

const leftoverRemedy =
  'add a last step: - run: rm -rf /var/log/* /var/cache/ldconfig /var/cache/apt/*.bin /var/lib/apt/lists/*; find / -xdev -name __pycache__ -exec rm -rf {} +';

/** What to do about a file that every build makes anew; undefined for other files. */
export function findRemedy(path: string): string | undefined {
  const kind = kinds.find((each) => each.path.test(path) || isPublicHalf(each, path));
  if (kind !== undefined) return fillRemedy(kind, path);
  return leftovers.some((pattern) => pattern.test(path)) ? leftoverRemedy : undefined;
}

/** `ssh_host_rsa_key.pub`, `ssl-cert-snakeoil.pem`. */
function isPublicHalf(kind: Kind, path: string): boolean {
  const name = path.replace(/\.pub$/, '').replace(/^etc\/ssl\/certs\/(.*)\.pem$/, 'etc/ssl/private/$1.key');
  return name !== path && kind.path.test(name);
}

function fillRemedy({ remedy }: Kind, path: string, facts?: Facts): string {
  return typeof remedy === 'string' ? remedy.replace('PATH', () => path) : remedy(facts);
}

/** Keys, ids and seeds of one machine that every machine with this image would share; one hazard for each kind. */
export function findGenerated(facts: Facts): Hazard[] {
  const { image, deliberate } = facts;
  const found = kinds.map((kind) => ({ kind, paths: [] as string[] }));
  for (const { path, type, size } of image.entries.values()) {
    if (type !== 'file' || deliberate?.has(path)) continue;
    for (const { kind, paths } of found)
      if (kind.path.test(path) && (kind.size ?? isFilled)(size)) paths.push(path);
  }
  for (const { paths } of found) paths.sort();
  const known = new Set(found.flatMap(({ paths }) => paths));
  return [
    ...found.flatMap(({ kind, paths }) => createHazard(facts, kind, paths)),
    ...findPrivateKeys(facts, known),
    ...findLeftovers(facts),
  ];
}

/** Files that a hazard names beside the first. */
const mostOthers = 20;

function createHazard(facts: Facts, kind: Kind, [path, ...others]: readonly string[]): Hazard[] {
  if (path === undefined) return [];
  const more = others.length > mostOthers ? ` and ${others.length - mostOthers} more` : '';
  const named = others.slice(0, mostOthers).map(showPath).join(', ');
  const also = others.length === 0 ? '' : `the same for ${named}${more}: `;
  const message = `${also}${kind.why}`;
  return [{ code: kind.code, severity: 'warning', path, message, hint: fillRemedy(kind, path, facts) }];
}

const isFilled = (size: number) => size > 0;

const privateKey = /^-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY-----\r?$/m;

/** Among the files that the build made: other keys of the image are its maker's. */
function findPrivateKeys({ changed = new Map(), deliberate }: Facts, known: ReadonlySet<string>): Hazard[] {
  return [...changed].flatMap(([path, bytes]): Hazard[] => {
    if (known.has(path) || deliberate?.has(path)) return [];
    if (!privateKey.test(Buffer.from(bytes).toString('latin1'))) return [];
    return [
      {
        code: 'private-key',
        severity: 'warning',
        path,
        message: `a command made a private key: ${impostor}`,
        hint: `add a step after the one that makes it: - remove: ${path}; and make the key at boot`,
      },
    ];
  });
}

const mostNamed = 3;

function findLeftovers({ changed = new Map(), deliberate }: Facts): Hazard[] {
  const paths = [...changed.keys()].filter(
    (path) => !deliberate?.has(path) && leftovers.some((pattern) => pattern.test(path)),
  );
  const [first] = paths;
  if (first === undefined) return [];
  const named = paths.slice(0, mostNamed).map(showPath).join(', ');
  const more = paths.length > mostNamed ? ` and ${paths.length - mostNamed} more` : '';
  return [
    {
      code: 'build-leftovers',
      severity: 'warning',
      path: first,
      message: `commands left logs or caches, most of which differ from build to build: ${named}${more}`,
      hint: leftoverRemedy,
    },
  ];
}
