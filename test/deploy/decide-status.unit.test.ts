import test from 'ava';
import { type Evidence, type Facts, judgeUnknown, recogniseImage } from '#src/deploy/decide-status.js';
import type { Deployment, StatusName } from '#src/model/deployment.js';

const deployment: Deployment = {
  version: 1,
  stock: { sha256: 'stock', size: 1 },
  patched: { sha256: 'patched', size: 2 },
  plan: 'plan',
  recipe: 'recipe',
  patches: [],
  settings: {},
  packages: {},
  verdict: 'passed',
  application: '1.12.0',
  kernel: 'kernel',
  segments: ['own'],
  stockRoot: 'root',
  build: 'b',
  time: '2020-01-01T00:00:00.000Z',
};
const facts: Facts = {
  installed: 'patched',
  recipe: 'recipe',
  application: '1.12.0',
  kernel: 'kernel',
  deployments: [deployment],
  backups: ['stock'],
};
const evidence: Evidence = { segments: ['new'], stockRoot: 'root', hasAddedFiles: false, done: [] };

const known: readonly [string, Partial<Facts>, StatusName | undefined][] = [
  ['our bytes', {}, 'patched'],
  ['our bytes, no patches named', { recipe: undefined }, 'patched'],
  ['our bytes, other patches', { recipe: 'other' }, 'stale'],
  ['our bytes, another kernel', { kernel: 'other' }, 'stale'],
  ['our bytes, an unknown kernel', { kernel: undefined }, 'patched'],
  [
    'bytes of an older deployment',
    {
      deployments: [deployment, { ...deployment, patched: { sha256: 'p2', size: 1 }, recipe: 'new' }],
      recipe: 'new',
    },
    'stale',
  ],
  ['the stock bytes', { installed: 'stock' }, 'stock'],
  ['the stock bytes of another version', { installed: 'stock', application: '1.11.0' }, 'stock'],
  ['only a backup is left', { installed: 'stock', deployments: [] }, 'stock'],
  ['the very first image', { installed: 'x', deployments: [], backups: [] }, 'stock'],
  ['an unknown image', { installed: 'x' }, undefined],
  ['an unknown image and only backups', { installed: 'x', deployments: [] }, undefined],
];

for (const [title, changes, status] of known)
  test(`on record: ${title} is ${status ?? 'opened'}`, (t) => {
    t.is(recogniseImage({ ...facts, ...changes })?.status, status);
  });

const unversioned = { application: undefined, deployments: [{ ...deployment, application: undefined }] };
const unknown: readonly [string, Partial<Facts>, Partial<Evidence>, StatusName][] = [
  ['half of an image', { application: '1.13.0' }, { damage: 'ends too early' }, 'foreign'],
  ['another version', { application: '1.13.0' }, {}, 'upgraded'],
  ['an older version', { application: '1.11.0' }, {}, 'upgraded'],
  ['another version with our archive in it', { application: '1.13.0' }, { segments: ['own'] }, 'foreign'],
  ['another version with our files in it', { application: '1.13.0' }, { hasAddedFiles: true }, 'foreign'],
  ['the same version', {}, {}, 'foreign'],
  ['the same version, another kernel', { kernel: 'other' }, {}, 'upgraded'],
  ['no known version', unversioned, {}, 'upgraded'],
  ['no version, a part of the stock image', unversioned, { segments: ['root', 'more'] }, 'foreign'],
  ['no version, microcode as before', unversioned, { segments: ['microcode', 'new'] }, 'upgraded'],
  ['no version, a part of ours', unversioned, { segments: ['own', 'more'] }, 'foreign'],
  [
    'no record, and what the patches bring is there',
    { deployments: [], backups: [] },
    { done: ['motd: file etc/motd'] },
    'foreign',
  ],
  ['no record but backups', { deployments: [] }, {}, 'foreign'],
];

for (const [title, changes, found, status] of unknown)
  test(`on no record: ${title} is ${status}`, (t) => {
    const judged = judgeUnknown({ ...facts, installed: 'x', ...changes }, { ...evidence, ...found });
    t.is(judged.status, status);
    t.notRegex(judged.reason, /\n/);
    t.truthy(judged.next);
  });
