import test from 'ava';
import type { Segment } from '#src/model/image/layout.js';
import { renderInspection } from '#src/report/inspection.js';
import { renderers } from '#src/report/renderers.js';
import { formatTable } from '#src/report/table.js';
import { createReport } from './reports.js';

test('a table may have more rows than a call has arguments', (t) => {
  const rows = Array.from({ length: 300_000 }, (_, index) => [String(index), 'x']);
  t.is(formatTable(rows, [0])[0], '     0  x');
});

test('of thousands of segments, dropped records and hazards the first and last are shown, and a count', (t) => {
  const count = 20_000;
  const all = Array.from({ length: count }, (_, index) => index);
  const segments = all.map(
    (index): Segment => ({
      kind: 'padding',
      offset: 4 * index,
      end: 4 * index + 4,
      compression: { codec: 'none' },
      unpacked: 0,
      entries: 0,
      members: 0,
      trailer: false,
      sha256: '',
    }),
  );
  const layout = { size: 4 * count, sha256: '0'.repeat(64), segments, root: undefined };
  const system = { packageManagers: [], modules: [] };
  const dropped = all.map((index) => ({ name: `d${index}`, segment: 0, reason: 'r' }));
  const hazards = all.map((index) => ({
    code: 'x',
    severity: 'warning' as const,
    path: `h${index}`,
    message: 'm',
    hint: 'h',
  }));
  const lines = renderInspection('x', { ...layout, system, dropped, hazards } as never);
  t.true(lines.length < 300, String(lines.length));
  const text = lines.join('\n');
  for (const wanted of [
    'd0 ',
    `d${count - 1} `,
    'h0: ',
    `h${count - 1}: `,
    ` ${4 * (count - 1)} `,
    'more (--json has all)',
  ])
    t.true(text.includes(wanted), wanted);
  const page = renderers.get('.html')?.(createReport({ before: layout as never })) ?? '';
  t.true(page.length < 100_000 && page.includes('more segments'), String(page.length));
});
