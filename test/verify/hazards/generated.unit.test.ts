import test, { type ExecutionContext } from 'ava';
import { findHazards, refuseHazards } from '#src/verify/hazards/find-hazards.js';
import { findRemedy } from '#src/verify/hazards/generated.js';
import { createArchive, directory, file, type Member, openBytes } from '../../fixtures/archive.js';
import { put } from '../../fixtures/changes.js';
import { createElf } from '../../fixtures/images/elf.js';

const id = `${'0123456789abcdef'.repeat(2)}\n`;
const key = '-----BEGIN OPENSSH PRIVATE KEY-----\nb3Bl\n-----END OPENSSH PRIVATE KEY-----\n';
const sound: readonly Member[] = [
  directory('bin'),
  { name: 'bin/sh', mode: 0o100755, body: createElf({}) },
  file('init', '#!/bin/sh\n', { mode: 0o100755 }),
];

function createImage(t: ExecutionContext, files: Readonly<Record<string, string>>) {
  const folders = new Set(
    Object.keys(files).flatMap((path) =>
      path
        .split('/')
        .slice(0, -1)
        .map((_, at, names) => names.slice(0, at + 1).join('/')),
    ),
  );
  return openBytes(
    t,
    createArchive([
      ...sound,
      ...[...folders].map((path) => directory(path)),
      ...Object.entries(files).map(([path, text]) => file(path, text)),
    ]),
  );
}

test('what every machine would share is named, one hazard for each kind', async (t) => {
  const image = await createImage(t, {
    'etc/ssh/ssh_host_rsa_key': key,
    'etc/ssh/ssh_host_ed25519_key': key,
    'etc/ssh/ssh_host_rsa_key.pub': 'ssh-rsa AAAA',
    'etc/machine-id': id,
    'var/lib/dbus/machine-id': id,
    'var/lib/systemd/random-seed': 'x'.repeat(32),
    'etc/ssl/private/ssl-cert-snakeoil.key': key,
    'etc/iscsi/initiatorname.iscsi': 'InitiatorName=iqn.1993-08.org.debian:01:1\n',
    'etc/init.d/ssh': '',
  });
  const hazards = await findHazards(image);
  t.deepEqual(hazards.map(({ code, path, severity }) => `${severity} ${code} ${path}`).sort(), [
    'warning host-key etc/ssh/ssh_host_ed25519_key',
    'warning machine-id etc/machine-id',
    'warning machine-name etc/iscsi/initiatorname.iscsi',
    'warning random-seed var/lib/systemd/random-seed',
    'warning snakeoil-key etc/ssl/private/ssl-cert-snakeoil.key',
  ]);
  const [host] = hazards.filter(({ code }) => code === 'host-key');
  t.regex(
    host?.message ?? '',
    /^the same for etc\/ssh\/ssh_host_rsa_key: every machine that boots this image/,
  );
  t.is(host?.hint, 'add a step after the package: - ssh-host-keys: first-boot');
});

test('what is empty or not yet made is no hazard', async (t) => {
  const image = await createImage(t, {
    'etc/machine-id': '',
    'var/lib/dbus/machine-id': 'uninitialized\n',
    'var/lib/systemd/random-seed': '',
    'etc/ssh/ssh_config': 'x',
    'usr/share/key.pem': key,
  });
  t.deepEqual(await findHazards(image), []);
});

test('of what a build changed, private keys and logs are named too, but not what a step put there', async (t) => {
  const files = {
    'etc/exim/exim.key': key,
    'var/log/dpkg.log': 'x',
    'srv/own.key': key,
    'etc/a.pem': 'cert',
  };
  const written = await createImage(t, files);
  const image = await createImage(t, {});
  const changes = Object.entries(files).map(([path, text]) => put(path, text));
  const deliberate = new Set(['srv/own.key']);
  const hazards = await refuseHazards(image, written, { changes, deliberate });
  t.deepEqual(
    hazards.map(({ code, path }) => `${code} ${path}`),
    ['private-key etc/exim/exim.key', 'build-leftovers var/log/dpkg.log'],
  );
});

test('a public half has the remedy of its private one', (t) => {
  t.is(findRemedy('etc/ssh/ssh_host_rsa_key.pub'), findRemedy('etc/ssh/ssh_host_rsa_key'));
  t.regex(findRemedy('etc/ssl/certs/ssl-cert-snakeoil.pem') ?? '', /make-ssl-cert/);
  t.regex(findRemedy('usr/lib/python3/__pycache__/a.pyc') ?? '', /__pycache__/);
  t.is(findRemedy('etc/motd'), undefined);
});
