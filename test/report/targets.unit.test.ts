import test from 'ava';
import { targetRenderers } from '#src/report/many/targets.js';
import { targets as report } from './many-reports.js';

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
