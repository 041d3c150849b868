import test from 'ava';
import { shortNames } from '#src/format/short-names.js';
import type { MatrixCell } from '#src/model/result/matrix.js';
import { renderMatrix } from '#src/report/proof/matrix.js';
import { matrixRenderers } from '#src/report/proof/matrix-reports.js';
import { images, matrix } from './many-reports.js';
import { matrixSchema } from './proof-schemas.js';

test('a matrix is a table, with the reason of each cell that has not passed', (t) => {
  t.deepEqual(renderMatrix(matrix), [
    '         1/initrd.gz   2/initrd.gz',
    'nfs      passed 9.0 s  REFUSED',
    'nfs+ssh  no effect     ERROR',
    '',
    'nfs in 2/initrd.gz: refused: no \\x1b[31mlight',
    'nfs+ssh in 2/initrd.gz: no kernel [kernel-missing]',
    '  try: --kernel FILE',
    '',
    '2 boots, 0 remembered',
  ]);
  t.notThrows(() => matrixSchema.parse(matrix));
});

test('a fault of several cells is said once', (t) => {
  const error = { kind: 'invalid', code: 'setting-unknown', message: 'no such parameter' } as const;
  const failed = images.map((image): MatrixCell => ({ image, patches: ['nfs'], state: 'error', error }));
  t.deepEqual(renderMatrix({ version: 1, images, rows: [['nfs']], cells: failed, boots: 0 }).slice(3, -2), [
    'nfs in 1/initrd.gz and 1 more: no such parameter [setting-unknown]',
  ]);
});

test('names of images are as short as they can be', (t) => {
  t.deepEqual(shortNames(['a/b', 'a/c']), ['b', 'c']);
  t.deepEqual(shortNames(['x/a/b', 'y/a/b']), ['x/a/b', 'y/a/b']);
  t.deepEqual(shortNames(['id', 'd/id']), ['id', 'd/id']);
});

const write = (ending: string) => matrixRenderers.get(ending)?.(matrix) ?? '';

test('a matrix has a report in each form', (t) => {
  const count =
    '<testsuite name="moby-patch: matrix" tests="4" failures="1" errors="1" skipped="1" time="9.040">';
  const junit = write('.junit.xml');
  t.true(junit.includes(count), junit);
  t.regex(
    junit,
    /name="nfs in 2\/initrd\.gz" time="0\.000"><failure type="boot" message="no \\x1b\[31mlight">/,
  );
  t.regex(
    junit,
    /name="nfs\+ssh in 1\/initrd\.gz" [^>]*><skipped message="conditions leave out all steps"\/>/,
  );
  t.regex(junit, /name="nfs\+ssh in 2\/initrd\.gz" [^>]*><error type="build" message="no kernel">/);
  t.is(write('.xml'), junit);
  t.notThrows(() => matrixSchema.parse(JSON.parse(write('.json'))));
  t.regex(write('.md'), /^# 2 patches in 2 images: refused\n\n```\n/);
  t.regex(write('.txt'), /^ +1\/initrd\.gz .*\nnfs +passed 9\.0 s/);
});

test('the page of a matrix begins with what has not passed', (t) => {
  const html = write('.html');
  t.regex(html, /<title>2 patches in 2 images: refused<\/title>/);
  t.true(html.indexOf('<h2 id="what-went-wrong-title"') < html.indexOf('<h2 id="verdicts-title"'));
  t.regex(html, /<h3>nfs in 2\/initrd\.gz<\/h3>\n<pre class="error">refused: no \\x1b\[31mlight<\/pre>/);
  t.regex(html, /<td data-label="1\/initrd\.gz"><span class="passed">✔ passed 9\.0 s<\/span><\/td>/);
  t.regex(html, /<span class="failed">✘ REFUSED<\/span>/);
  t.regex(html, /<span class="error">! ERROR<\/span>/);
});
