import test, { type ExecutionContext } from 'ava';
import { findRunlevels } from '#src/verify/boot/probe/runlevels.js';
import { createArchive, directory, file, type Member, openBytes, symlink } from '../../fixtures/archive.js';

const names = ['sysinit', 'boot', 'default', 'nonetwork', 'off', 'shutdown'];
const alpine = '::sysinit:/sbin/openrc sysinit\n::sysinit:/sbin/openrc boot\n::wait:/sbin/openrc default\n';

interface Root {
  readonly table?: string;
  readonly settings?: string;
  readonly init?: string;
  readonly more?: readonly Member[];
}

async function find(t: ExecutionContext, root: Root, cmdline = '') {
  const { table, settings, init = 'busybox', more = [] } = root;
  const folders = ['sbin', 'bin', 'etc', 'etc/runlevels', ...names.map((name) => `etc/runlevels/${name}`)];
  const image = await openBytes(
    t,
    createArchive([
      ...folders.map((name) => directory(name)),
      file(`bin/${init}`, '', { mode: 0o100755 }),
      symlink('sbin/init', `/bin/${init}`),
      ...(table === undefined ? [] : [file('etc/inittab', table)]),
      ...(settings === undefined ? [] : [file('etc/rc.conf', settings)]),
      ...more,
    ]),
  );
  return findRunlevels(image, cmdline);
}

const wanted = async (...args: Parameters<typeof find>) => (await find(...args)).wanted;

test('a boot is to end in the runlevel that the table of init starts last', async (t) => {
  t.deepEqual(await find(t, { table: alpine }), {
    wanted: 'default',
    first: 'sysinit',
    ends: ['default', 'nonetwork', 'off'],
  });
  t.is(await wanted(t, { table: alpine.replace('default', 'nonetwork') }), 'nonetwork');
  t.is(await wanted(t, { table: `::wait:/sbin/openrc off\n${alpine}` }), 'default');
  t.is(await wanted(t, { table: `::once:/sbin/openrc off\n${alpine}` }), 'off');
  t.is(
    await wanted(t, { table: `# ::once:/sbin/openrc off\n${alpine}::shutdown:/sbin/openrc shutdown\n` }),
    'default',
  );
  t.is(
    await wanted(t, { table: `${alpine}::wait:/sbin/openrc unknown\n` }),
    'default',
    'OpenRC only complains',
  );
  t.is(await wanted(t, {}), 'default');
  t.is(await wanted(t, { table: alpine.replace('/sbin/openrc default', '/etc/start') }), 'default');
});

test('an image may start nothing behind the runlevel boot, and ends there', async (t) => {
  const table = alpine.replace(/.*default\n/, '');
  t.deepEqual(await find(t, { table }), {
    wanted: 'boot',
    first: 'sysinit',
    ends: ['boot', 'default', 'nonetwork', 'off'],
  });
});

test('of the table of sysvinit the lines of its first runlevel count', async (t) => {
  // As Gentoo's sysvinit has it.
  const table = `id:3:initdefault:
si::sysinit:/sbin/openrc sysinit
rc::bootwait:/sbin/openrc boot
l0:0:wait:/sbin/openrc shutdown
l1:S1:wait:/sbin/openrc single
l3:3:wait:/sbin/openrc default
l4:4:wait:/sbin/openrc off
l6:6:wait:/sbin/openrc reboot
`;
  t.is(await wanted(t, { table }), 'default');
  t.is(await wanted(t, { table: table.replace('id:3', 'id:4') }), 'off');
});

test('openrc-init has its runlevel from rc.conf', async (t) => {
  const init = 'openrc-init';
  t.is(await wanted(t, { init, table: alpine }), 'default');
  t.is(await wanted(t, { init, settings: '#rc_default_runlevel="off"\n' }), 'default');
  t.is(await wanted(t, { init, settings: 'rc_default_runlevel="off"\n' }), 'off');
  t.is(await wanted(t, { init, settings: 'rc_default_runlevel=unknown\n' }), 'default');
});

test('the runlevel of the command line takes the place of the first one', async (t) => {
  t.is(await wanted(t, { table: alpine }, 'quiet softlevel=nonetwork'), 'nonetwork');
  t.is(await wanted(t, { table: alpine }, 'softlevel=nonetwork softlevel=off'), 'nonetwork');
  t.is(await wanted(t, { table: alpine }, 'softlevel=nonetwork rc_runlevel=off'), 'off');
  t.is(await wanted(t, { table: `${alpine}::wait:/sbin/openrc off\n` }, 'softlevel=nonetwork'), 'off');
  // OpenRC ignores these (set_krunlevel).
  for (const name of ['boot', 'single', 'sysinit'])
    t.is(await wanted(t, { table: alpine }, `softlevel=${name}`), 'default');
});

test('a runlevel that is not in the image is told before the boot', async (t) => {
  const code = 'runlevel-missing';
  await t.throwsAsync(find(t, { table: alpine }, 'softlevel=nonet'), {
    code,
    message:
      "the command line starts OpenRC's runlevel nonet, and the image has no etc/runlevels/nonet (found sysinit, boot, default, nonetwork, off, shutdown)",
  });
  await t.throwsAsync(find(t, { table: alpine.replace('default', 'defualt') }), {
    code,
    message: /^etc\/inittab starts OpenRC's runlevel defualt/,
  });
});
