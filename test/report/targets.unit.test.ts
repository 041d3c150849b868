import test from 'ava';
import type { TargetResult, TargetsReport } from '#src/model/result/targets.js';
import { targetRenderers } from '#src/report/many/targets.js';

const target = (fields: Partial<TargetResult>): TargetResult => ({
  name: 'oslo',
  axes: {},
  state: 'built',
  warnings: [],
  durationMs: 1500,
  ...fields,
});
const report: TargetsReport = {
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
const write = (ending: string) => targetRenderers.get(ending)?.(report) ?? '';

test('a page of targets begins with those that failed', (t) => {
  const html = write('.html');
  t.regex(html, /<title>5 targets: failed<\/title>/);
  const places = ['what-went-wrong-title', 'warnings-title', 'targets-title'].map((id) =>
    html.indexOf(`<h2 id="${id}"`),
  );
  t.deepEqual(
    places,
    places.toSorted((a, b) => a - b),
  );
  t.true(places.every((place) => place > 0));
  t.regex(
    html,
    /<h3>bonn: refused<\/h3>\n<pre class="error">bonn: no &lt;light&gt; \[boot-refused\]\n {2}try: look/,
  );
  t.regex(html, /<li>oslo: mind &lt;it&gt;<\/li>/);
  t.regex(html, /<span class="passed">✔ built<\/span><\/td>\n<td>oslo<\/td>/);
  t.regex(html, /<span class="skipped">– left out<\/span>/);
});

test('junit of targets has a case for each', (t) => {
  const junit = write('.junit.xml');
  t.regex(junit, /tests="5" failures="1" errors="1" skipped="1" time="4\.000"/);
  t.regex(junit, /name="oslo" time="1\.500"><system-out>built<\/system-out>/);
  t.regex(junit, /name="bonn" [^>]*><failure type="boot" message="no &lt;light&gt;">bonn: /);
  t.regex(junit, /name="riga" [^>]*><skipped message="another target failed first"\/>/);
});
