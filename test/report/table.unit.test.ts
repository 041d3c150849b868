import test from 'ava';
import { formatTable } from '#src/report/table.js';

test('a table may have more rows than a call has arguments', (t) => {
  const rows = Array.from({ length: 300_000 }, (_, index) => [String(index), 'x']);
  t.is(formatTable(rows, [0])[0], '     0  x');
});
