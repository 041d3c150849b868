import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { createReadingSession, placesOf } from '#src/setup/reading-session.js';
import { createSession } from '#src/setup/session.js';
import { createTestFolder } from '../fixtures/archive.js';

test('places follow the XDG base directories', (t) => {
  const environment = { HOME: '/home/me', XDG_CONFIG_HOME: '/c', XDG_CACHE_HOME: '/k', XDG_STATE_HOME: '/s' };
  const { places } = createReadingSession({ folder: '/project', environment });
  t.like(places, { folder: '/project', home: '/home/me', cache: '/k/moby-patch', state: '/s/moby-patch' });
  t.deepEqual(places.patches.slice(0, 2), ['/project/patches', '/c/moby-patch/patches']);
  t.is(places.images[0], '/project/images');
  const { places: usual } = createReadingSession({ folder: '/project', environment: { HOME: '/home/me' } });
  t.is(usual.cache, '/home/me/.cache/moby-patch');
});

test('the definitions of a project elsewhere come before those of the user', (t) => {
  const { places } = createReadingSession({ folder: '/work', environment: { HOME: '/home/me' } });
  const { folder, patches, images } = placesOf('/project', places);
  t.is(folder, '/work');
  t.deepEqual(patches.slice(0, 2), ['/project/patches', '/home/me/.config/moby-patch/patches']);
  t.is(images[0], '/project/images');
});

test('a session has the engines in the order of auto, and a cache in the folder that is named', async (t) => {
  const folder = await createTestFolder(t);
  await using session = createSession({ folder, environment: { MOBY_PATCH_CACHE: 'kept' } });
  t.deepEqual(
    session.engines.map(({ name }) => name),
    ['stream', 'docker', 'local'],
  );
  t.true(await session.cache.write('steps', 'ab', new Uint8Array(1)));
  t.true((await stat(join(folder, 'kept/steps'))).isDirectory());
});

test('without a cache nothing is written, also when its folder exists', async (t) => {
  const folder = await createTestFolder(t);
  for (const options of [{ cache: false }, { environment: { MOBY_PATCH_CACHE: 'none' } }]) {
    await using session = createSession({ folder, environment: { HOME: folder }, ...options });
    t.false(await session.cache.write('steps', 'ab', new Uint8Array(1)));
  }
  await t.throwsAsync(stat(join(folder, '.cache')), { code: 'ENOENT' });
});

test('a session keeps each of its options, and secrets of the process beside those that are given', async (t) => {
  const given = {
    signal: new AbortController().signal,
    limits: { anyway: 1 },
    log: () => {},
    onStage: () => {},
    onWork: () => {},
    showLine: () => {},
    ask: async () => '',
  };
  const environment = { MOBY_PATCH_SECRET_a: '1' };
  await using session = createSession({ ...given, environment, secretVariables: { b: '2' }, cache: false });
  for (const [name, value] of Object.entries(given)) t.is(session[name as keyof typeof given], value, name);
  t.deepEqual(session.secretVariables, { MOBY_PATCH_SECRET_a: '1', b: '2' });
});
