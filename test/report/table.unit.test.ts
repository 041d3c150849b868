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

const empty = { size: 8, sha256: '0'.repeat(64), segments: [], root: 0, hazards: [], dropped: [] };
const unknown = { packageManagers: [], modules: [] };

test('an initrd inside of a file is named with the file, since size and digest are those of the initrd', (t) => {
  const part = { name: 'ramdisk', offset: 64, size: 8 };
  const wrapper = { kind: 'uimage', title: 'a U-Boot image (uImage)', part: 'ramdisk', parts: [part] };
  const boots = [{ initrd: 'ramdisk' }];
  const inspection = { ...empty, system: unknown, wrapper: { ...wrapper, boots } };
  const [head, boot, , line] = renderInspection('uInitrd', inspection as never);
  t.is(head, 'uInitrd is a U-Boot image (uImage) with 1 part; the initrd is ramdisk at 64');
  t.is(boot, '  boots   it: with a kernel from elsewhere');
  t.regex(line ?? '', /^uInitrd#ramdisk: 8 bytes/);
  t.true(renderInspection('uInitrd#ramdisk', inspection as never)[3]?.startsWith('uInitrd#ramdisk: '));
});

test('what has made an initramfs, and what an early archive holds, is said in words', (t) => {
  const segment = { kind: 'cpio', compression: { codec: 'none' }, members: 1, trailer: true };
  const segments = [{ ...segment, offset: 0, end: 8, unpacked: 8, entries: 4 }];
  const early = [{ segment: 0, holds: 'CPU microcode' }];
  const system = { ...unknown, initramfs: 'initramfs-tools' };
  const text = renderInspection('x', { ...empty, segments, root: 1, early, system } as never).join('\n');
  t.regex(text, /^cpio .* 4 {2}CPU microcode$/m);
  t.regex(text, /^init {6}\/init, in an initramfs of initramfs-tools$/m);
  const dracut = { ...empty, system: { ...system, init: 'systemd', initramfs: 'dracut' } };
  t.true(renderInspection('x', dracut as never).includes('init      systemd, in an initramfs of dracut'));
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
