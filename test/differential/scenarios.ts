import { directory, file, type Member, node, symlink } from '../fixtures/archive.js';
import { plain } from './plain-scenarios.js';
import { character, device, link, type Scenario, scenario } from './scenario.js';

/** A record over what stands there already: old -> new for every pair of types. */
const kinds: Readonly<Record<string, (name: string, fields: Partial<Member>) => Member>> = {
  file: (name, fields) => file(name, 'new and longer', fields),
  shorter: (name, fields) => file(name, 'n', fields),
  empty: (name, fields) => file(name, '', fields),
  symlink: (name, fields) => symlink(name, 'elsewhere', fields),
  directory: (name, fields) => directory(name, { ...fields, mode: 0o040710 }),
  character: (name, fields) => node(name, 0o020620, { ...device(4, 9), ...fields }),
  block: (name, fields) => node(name, 0o060640, { ...device(7, 3), ...fields }),
  fifo: (name, fields) => node(name, 0o010600, fields),
  socket: (name, fields) => node(name, 0o140600, fields),
  unknown: (name, fields) => node(name, 0o110600, fields),
  untyped: (name, fields) => node(name, 0o600, fields),
  'unknown-with-body': (name, fields) => ({ ...node(name, 0o110600, fields), body: 'body' }),
  'directory-with-body': (name, fields) => ({ ...node(name, 0o040700, fields), body: 'body' }),
  'device-with-body': (name, fields) => ({
    ...node(name, 0o020600, { ...device(3, 3), ...fields }),
    body: 'b',
  }),
  'symlink-4096': (name, fields) => symlink(name, 't'.repeat(4096), fields),
  'symlink-4097': (name, fields) => symlink(name, 't'.repeat(4097), fields),
  'file-slash': (name, fields) => file(`${name}/`, 'x', fields),
  'file-dot': (name, fields) => file(`${name}/.`, 'x', fields),
  'directory-slash': (name, fields) => directory(`${name}/`, { ...fields, mode: 0o040701 }),
  'directory-dot': (name, fields) => directory(`${name}/.`, { ...fields, mode: 0o040702 }),
  'symlink-slash': (name, fields) => symlink(`${name}/`, 'elsewhere', fields),
  'fifo-slash': (name, fields) => node(`${name}/`, 0o010600, fields),
};

const standing: Readonly<Record<string, (name: string) => readonly Member[]>> = {
  nothing: () => [],
  file: (name) => [file(name, 'old body', { mtime: 10, uid: 1 })],
  symlink: (name) => [symlink(name, 'somewhere', { mtime: 11, uid: 1 })],
  'symlink-to-directory': (name) => [
    directory(`${name}-target`, { mtime: 17 }),
    symlink(name, name.replace(/.*\//, '').concat('-target'), { mtime: 12 }),
  ],
  directory: (name) => [directory(name, { mtime: 12, gid: 3 })],
  full: (name) => [directory(name, { mtime: 13, gid: 4 }), file(`${name}/inside`, 'kept')],
  character: (name) => [node(name, 0o020666, { ...device(1, 3), mtime: 14 })],
  block: (name) => [node(name, 0o060666, { ...device(8, 1), mtime: 15 })],
  fifo: (name) => [node(name, 0o010666, { mtime: 16 })],
  socket: (name) => [node(name, 0o140666, { mtime: 17 })],
};

const over: readonly Scenario[] = Object.entries(standing).map(([old, create]) =>
  scenario(
    `over-${old}`,
    Object.keys(kinds).flatMap((kind) => create(`@/${kind}`)),
    Object.entries(kinds).map(([kind, replace]) => replace(`@/${kind}`, { mtime: 99, uid: 21, gid: 22 })),
  ),
);

const links: readonly Scenario[] = [
  scenario('first', [file('@/a', 'body', link(1)), file('@/b', '', link(1)), file('@/c', '', link(1))]),
  scenario('last', [
    file('@/a', '', link(2)),
    file('@/b', '', link(2)),
    file('@/c', 'body', link(2, { mtime: 4, uid: 4 })),
  ]),
  scenario('twice', [
    file('@/a', 'a longer body', link(3)),
    file('@/b', 'short', link(3)),
    file('@/c', '', link(3, { mtime: 8 })),
  ]),
  scenario('single', [file('@/a', 'one', { ino: 4 }), file('@/b', 'two', { ino: 4 })]),
  scenario('mixed', [file('@/a', 'one', link(5)), file('@/b', 'two', { ino: 5 }), file('@/c', '', link(5))]),
  scenario('keys', [
    file('@/a', 'one', link(6)),
    file('@/other-major', 'two', link(6, { devmajor: 1 })),
    file('@/other-minor', 'three', link(6, { devminor: 1 })),
    node('@/fifo', 0o010644, link(6)),
    node('@/fifo-too', 0o010600, link(6, { mtime: 5 })),
    character('@/device', { ...link(6), ...device(1, 3) }),
    character('@/device-too', { ...link(6, { mtime: 6, uid: 7 }), ...device(1, 5) }),
    node('@/socket', 0o140600, link(6)),
    node('@/socket-too', 0o140644, link(6)),
    directory('@/directory', { ino: 6 }),
  ]),
  scenario('over', [
    file('@/old', 'old', { mtime: 3 }),
    directory('@/empty'),
    directory('@/full'),
    file('@/full/x', 'x'),
    symlink('@/symlink', 'old'),
    file('@/a', 'body', link(7)),
    file('@/old', '', link(7)),
    file('@/empty', '', link(7)),
    file('@/full', '', link(7)),
    file('@/symlink', '', link(7)),
    file('@/no/parent', '', link(7)),
    file('@/b', '', link(7, { mtime: 9 })),
  ]),
  scenario('same-name', [
    file('@/a', 'first', link(8)),
    file('@/a', 'second', link(8)),
    file('@/b', 'first', link(9)),
    file('@/c', '', link(9)),
    file('@/b', 'second', link(9)),
    file('@/d', 'first', link(10)),
    file('@/e', '', link(10)),
    file('@/e', 'second', link(10)),
  ]),
  scenario('gone', [
    file('@/a', 'body', link(11)),
    directory('@/a'),
    file('@/b', 'other', link(11)),
    file('@/c', 'body', link(12)),
    symlink('@/c', 'd'),
    file('@/e', 'other', link(12, { mtime: 70 })),
    file('@/f', 'body', link(13)),
    file('@/g', '', link(13)),
    directory('@/f'),
    file('@/h', 'late', link(13)),
    node('@/i', 0o010600, link(14)),
    file('@/i', 'a file now'),
    node('@/j', 0o010644, link(14)),
    file('@/k', 'body', link(15)),
    file('@/k', 'alone', { mtime: 80 }),
    file('@/l', '', link(15)),
  ]),
  scenario('nowhere', [
    file('@/no/a', 'body', link(16)),
    file('@/b', 'body b', link(16)),
    directory('@/no'),
    file('@/c', 'body c', link(16)),
    file('@/no/a', 'made', {}),
    file('@/d', '', link(16, { mtime: 7 })),
  ]),
  scenario('moved', [
    directory('@/one'),
    directory('@/two'),
    symlink('@/way', 'one'),
    file('@/way/a', 'body', link(17)),
    file('@/two/a', 'another'),
    symlink('@/way', 'two'),
    file('@/b', '', link(17)),
  ]),
  scenario(
    'segments',
    [file('@/a', 'first', link(18)), file('@/b', '', link(18))],
    [
      file('@/c', 'second', link(18)),
      file('@/d', '', link(18)),
      file('@/a', 'rewritten', link(19, { mtime: 5 })),
    ],
  ),
];

/** GNU cpio, busybox and bsdtar end at the first of these names, whatever its type: only a kernel goes on. */
const trailer = 'TRAILER!!!';
const trailers: readonly Scenario[] = [
  scenario('trailers', [
    file('@/a', 'body', link(20)),
    symlink(trailer, 'target', { mtime: 30, uid: 3 }),
    file('@/behind-symlink', '', link(20)),
    { ...node(trailer, 0o010644), body: 'a fifo' },
    { ...directory(trailer), body: 'a directory' },
    { ...character(trailer, device(1, 3)), body: 'a device' },
    { ...node(trailer, 0o110644), body: 'of no type' },
    symlink(trailer, 't'.repeat(4097)),
    file('@/behind-bodies', '', link(20)),
    file(trailer, 'a file: its body is skipped'),
    file('@/behind-file', 'one', link(20)),
    directory(trailer),
    file('@/behind-directory', 'two', link(20)),
    file(`${trailer}\0more`, '070701'),
    file('@/behind-nul', 'three', link(20)),
    file(`@/${trailer}`, 'inside', { mtime: 31 }),
  ]),
];

const later: readonly Scenario[] = [
  scenario(
    'directory-times',
    [
      directory('@/again', { mtime: 20 }),
      directory('@/to-symlink', { mtime: 21 }),
      directory('@/to-file', { mtime: 22 }),
      directory('@/to-device', { mtime: 23 }),
      directory('@/and-back', { mtime: 24 }),
      directory('@/through', { mtime: 25 }),
      symlink('@/link', 'through', { mtime: 26 }),
      directory('@/link/inside', { mtime: 27 }),
      directory('@/removed', { mtime: 28 }),
      file('@/was-file', 'x', { mtime: 29 }),
    ],
    [
      directory('@/again', { mtime: 120, mode: 0o040700, uid: 3 }),
      symlink('@/to-symlink', 'again', { mtime: 121 }),
      file('@/to-file', 'now a file', { mtime: 122 }),
      character('@/to-device', { ...device(1, 3), mtime: 123 }),
      file('@/and-back', 'x', { mtime: 124 }),
      directory('@/and-back', { mtime: 224 }),
      node('@/removed', 0o110000),
      directory('@/was-file', { mtime: 129 }),
      directory('@/was-file/inside', { mtime: 130 }),
    ],
  ),
  scenario(
    'usr-merge',
    [
      directory('@/usr'),
      directory('@/usr/lib'),
      symlink('@/lib', 'usr/lib'),
      symlink('@/lib64', 'usr/lib'),
      symlink('@/bin', 'usr/lib'),
      file('@/lib/a', '1'),
      file('@/lib64/c', '2'),
    ],
    [
      directory('@/lib', { mtime: 40 }),
      file('@/lib/b', '3'),
      directory('@/lib64/', { mtime: 41, mode: 0o040750 }),
      file('@/lib64/d', '4'),
      directory('@/bin/.', { mtime: 42, mode: 0o040705 }),
      file('@/bin/e', '5'),
    ],
  ),
  scenario(
    'rewritten',
    [
      file('@/a', 'a body', { mtime: 1 }),
      file('@/b', 'same', { mtime: 2 }),
      file('@/c', 'long body', { mtime: 3 }),
    ],
    [
      file('@/a', '', { mtime: 4 }),
      file('@/b', 'same', { mtime: 2 }),
      file('@/c', 'short', { mode: 0o104755, uid: 9 }),
    ],
    [file('@/a', 'third', { mtime: 5 })],
  ),
];

export const scenarios: readonly Scenario[] = [...plain, ...over, ...links, ...trailers, ...later];

/** Segment 0 of all scenarios, segment 1 of all, and so on. */
export function joinScenarios(chosen: readonly Scenario[]): Member[][] {
  const count = Math.max(...chosen.map(({ segments }) => segments.length));
  return Array.from({ length: count }, (_, index) => chosen.flatMap(({ segments }) => segments[index] ?? []));
}
