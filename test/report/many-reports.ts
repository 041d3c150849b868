import type { Matrix, MatrixCell } from '#src/model/result/matrix.js';
import type { TargetResult, TargetsReport } from '#src/model/result/targets.js';

export const images = ['/v/1/initrd.gz', '/v/2/initrd.gz'];
const proof = { plan: 'p', tail: [], remembered: false };
const cells: readonly MatrixCell[] = [
  {
    image: '/v/1/initrd.gz',
    patches: ['nfs'],
    state: 'passed',
    proof: { ...proof, verdict: 'passed', seconds: 9.04 },
  },
  {
    image: '/v/2/initrd.gz',
    patches: ['nfs'],
    state: 'refused',
    proof: { ...proof, verdict: 'refused', reason: 'no \x1b[31mlight' },
  },
  { image: '/v/1/initrd.gz', patches: ['nfs', 'ssh'], state: 'no effect' },
  {
    image: '/v/2/initrd.gz',
    patches: ['nfs', 'ssh'],
    state: 'error',
    error: { kind: 'invalid', code: 'kernel-missing', message: 'no kernel', hint: '--kernel FILE' },
  },
];
/** Each state of a cell, and a text that would colour a terminal. */
export const matrix: Matrix = { version: 1, images, rows: [['nfs'], ['nfs', 'ssh']], cells, boots: 2 };

export const target = (fields: Partial<TargetResult>): TargetResult => ({
  name: 'oslo',
  axes: {},
  state: 'built',
  warnings: [],
  durationMs: 1500,
  ...fields,
});
/** Each state of a target, and texts that look like markup. */
export const targets: TargetsReport = {
  version: 1,
  failed: true,
  jobs: 2,
  durationMs: 4000,
  targets: [
    target({ sha256: 'a'.repeat(64), output: '/out/oslo.img', verdict: 'passed', warnings: ['mind <it>'] }),
    target({ name: 'rome', state: 'unchanged' }),
    target({
      name: 'bonn',
      state: 'refused',
      error: { kind: 'boot', code: 'boot-refused', message: 'no <light>', hint: 'look' },
    }),
    target({
      name: 'kyiv',
      state: 'failed',
      error: { kind: 'invalid', code: 'kernel-missing', message: 'no kernel' },
    }),
    target({ name: 'riga', state: 'left out' }),
  ],
};
