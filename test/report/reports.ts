import type { Layout, Segment } from '#src/model/image/layout.js';
import type { Report, StepReport } from '#src/model/result/report.js';

/** Text of a hostile image, patch or guest: markup, quotes, control characters, bytes that are not text. */
export const hostile =
  '</td></pre><script>alert(1)</script> & "\' ]]> `x` \x1b[2J\x00\udc80\u202e\ufffe\r\n\tz';

const segment: Segment = {
  offset: 0,
  end: 100,
  kind: 'cpio',
  compression: { codec: 'gzip' },
  members: 2,
  entries: 5,
  unpacked: 400,
  trailer: false,
  sha256: 'a'.repeat(64),
};
const layout: Layout = { size: 100, sha256: 'a'.repeat(64), segments: [segment], root: 0 };

export function createStep(fields: Partial<StepReport> = {}): StepReport {
  return {
    patch: 'motd',
    kind: 'file',
    summary: 'file etc/motd',
    changed: true,
    cached: false,
    notes: [],
    packages: {},
    durationMs: 1200,
    ...fields,
  };
}

/** A passed build: one step, one boot, one expectation. */
export function createReport(fields: Partial<Report> = {}): Report {
  const { patch, kind, summary } = createStep();
  return {
    version: 1,
    failed: false,
    stage: 'publish',
    input: 'initrd.img',
    output: '/out.img',
    before: layout,
    after: { ...layout, sha256: 'b'.repeat(64) },
    engine: { name: 'stream', reason: 'no step needs commands' },
    mode: { name: 'rewrite', reason: 'the usual one' },
    plan: {
      id: 'c'.repeat(64),
      patches: [
        { id: patch, title: 'Say hello', folder: '/p', sha256: 'd'.repeat(64), parameters: { name: 'you' } },
      ],
      steps: [{ patch, kind, summary, id: 'e'.repeat(64), needs: [], cached: false }],
      needs: [],
    },
    steps: [createStep({ packages: { curl: '8.1' } })],
    diff: {
      added: 1,
      removed: 0,
      changed: 1,
      differences: [
        { path: 'etc/motd', kind: 'added', type: 'file', fields: [] },
        {
          path: 'etc/issue',
          kind: 'changed',
          type: 'file',
          fields: [{ field: 'mode', before: '0644', after: '0600' }],
          text: ['-old', '+new'],
        },
      ],
    },
    boot: {
      verdict: 'passed',
      reached: 'init',
      accelerator: 'tcg',
      seconds: 3,
      waited: 0,
      attempts: 1,
      stages: [{ name: 'kernel', state: 'reached', seconds: 0.4, line: 'Linux version 6' }],
      causes: [],
      attestation: { paths: 9, bytes: 99, seconds: 2, differences: [], added: ['built-in'] },
      expectations: [{ expectation: { file: '/etc/motd' }, met: true, found: 'as expected' }],
      warnings: [],
      console: '/out.img.console.log',
      tail: [],
    },
    usage: {
      before: [
        { path: 'usr/lib', bytes: 800 },
        { path: '', bytes: 200 },
      ],
      after: [
        { path: 'usr/lib', bytes: 900 },
        { path: 'etc', bytes: 50 },
      ],
    },
    warnings: ['mind the gap'],
    stages: { unpack: 10, plan: 20, patch: 1300, repack: 40, validate: 50, verify: 3000, publish: 60 },
    durationMs: 4480,
    ...fields,
  };
}

/** A report whose every text from outside is hostile. */
export function createHostileReport(): Report {
  const report = createReport();
  const names = { patch: hostile, summary: hostile };
  return createReport({
    failed: true,
    input: hostile,
    output: hostile,
    manifest: hostile,
    engine: { name: 'stream', reason: hostile },
    mode: { name: 'rewrite', reason: hostile },
    plan: {
      id: hostile,
      patches: [
        {
          id: hostile,
          title: hostile,
          folder: hostile,
          sha256: 'd'.repeat(64),
          parameters: { [hostile]: hostile },
        },
      ],
      steps: [{ ...names, kind: 'file', id: 'e'.repeat(64), needs: [], cached: false }],
      needs: [],
    },
    steps: [createStep({ ...names, notes: [hostile], packages: { [hostile]: hostile } })],
    diff: {
      added: 1,
      removed: 0,
      changed: 1,
      differences: [
        { path: hostile, kind: 'added', type: 'file', fields: [] },
        {
          path: hostile,
          kind: 'changed',
          type: 'symlink',
          fields: [{ field: 'target', before: hostile, after: hostile }],
          text: [hostile],
        },
      ],
    },
    boot: report.boot && {
      ...report.boot,
      verdict: 'refused',
      reason: hostile,
      expectations: [{ expectation: { console: hostile }, met: false, found: hostile }],
      warnings: [hostile],
      console: hostile,
      tail: [hostile],
    },
    warnings: [hostile],
    error: { kind: 'boot', code: 'boot-refused', message: hostile, hint: hostile, path: hostile },
  });
}
