import test from 'ava';
import fc from 'fast-check';
import { createRedaction } from '#src/format/redaction.js';
import { listForms } from '#src/format/secret-forms.js';
import { MobyPatchError } from '#src/model/error/error.js';

const shown = 'secret hmac-sha256:0123456789ab';
const redact = (...values: readonly string[]) => createRedaction(values.map((value) => ({ value, shown })));

/** A secret of printable characters, some of which have forms of their own. */
const secret = fc.string({
  unit: fc.constantFrom(...'abcXYZ019 /+=\'"\\$%&ü€'),
  minLength: 10,
  maxLength: 40,
});

test('a secret is found in base64 wherever it begins in what was encoded', (t) => {
  fc.assert(
    fc.property(secret, fc.string(), fc.string(), (value, before, after) => {
      const text = Buffer.from(`${before}${value}${after}`).toString('base64');
      const url = Buffer.from(`${before}${value}${after}`).toString('base64url');
      const forms = listForms(value);
      return forms.some((form) => text.includes(form)) && forms.some((form) => url.includes(form));
    }),
  );
  t.pass();
});

test('nothing of a secret is passed on, however a stream is cut', (t) => {
  fc.assert(
    fc.property(secret, fc.array(fc.nat({ max: 200 }), { maxLength: 12 }), (value, cuts) => {
      const forms = [value, Buffer.from(value).toString('base64'), Buffer.from(value).toString('hex')];
      const whole = Buffer.from(forms.map((form) => `<${form}>${value.slice(0, 5)}`).join('\n'));
      const filter = redact(value).createFilter();
      const places = [...new Set([0, ...cuts.map((cut) => Math.min(cut, whole.length)), whole.length])].sort(
        (a, b) => a - b,
      );
      const pieces = places.slice(1).map((end, at) => filter.push(whole.subarray(places[at], end)));
      const out = Buffer.concat([...pieces, filter.end()]).toString();
      return !out.includes(value) && out.includes(`<${shown}>${value.slice(0, 5)}`);
    }),
  );
  t.pass();
});

test('a stream without secrets comes through unchanged, and only a possible beginning waits', (t) => {
  const filter = redact('a long secret').createFilter();
  t.is(Buffer.from(filter.push(Buffer.from('hello a lo'))).toString(), 'hello ');
  t.is(Buffer.from(filter.push(Buffer.from('t of\n'))).toString(), 'a lot of\n');
  t.is(filter.end().length, 0);
});

test('the lines of a secret of several lines are hidden one by one, but not those that begin a key', (t) => {
  const key = '-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqh\nkiG9w0BAQEFAASCBK\n-----END PRIVATE KEY-----';
  const { text } = redact(key);
  t.is(text(`got ${key}`), `got ${shown}`);
  t.is(text('line: kiG9w0BAQEFAASCBK'), `line: ${shown}`);
  t.is(text('-----BEGIN PRIVATE KEY-----'), '-----BEGIN PRIVATE KEY-----');
});

test('base64 that a program breaks into lines is hidden line by line', (t) => {
  const value = 'x1y2z3'.repeat(30);
  const lines =
    Buffer.from(value)
      .toString('base64')
      .match(/.{1,76}/g) ?? [];
  const { text } = redact(value);
  for (const line of lines.filter((each) => each.length > 16)) t.false(text(line).includes(line), line);
});

test('all texts of a report and of an error are looked through, a defect of ours too', (t) => {
  const redaction = redact('tell nobody');
  t.deepEqual(redaction.value({ a: ['tell nobody', 1, null], b: { c: 'x tell nobody y' }, d: undefined }), {
    a: [shown, 1, null],
    b: { c: `x ${shown} y` },
    d: undefined,
  });
  const inner = new MobyPatchError('failed', 'output-differs', 'tell nobody');
  const error = redaction.error(
    new MobyPatchError('failed', 'command-failed', 'saw tell nobody', {
      path: '/tell nobody',
      hint: 'tell nobody',
      offset: 3,
      cause: new Error('tell nobody'),
      problems: [inner],
    }),
  ) as MobyPatchError;
  t.like(error, {
    kind: 'failed',
    code: 'command-failed',
    message: `saw ${shown}`,
    path: `/${shown}`,
    hint: shown,
    offset: 3,
  });
  t.is(error.cause, undefined);
  t.is(error.problems?.[0]?.message, shown);
  const defect = redaction.error(Object.assign(new Error('tell nobody'), { code: 'EIO' })) as Error;
  t.like(defect, { message: shown, code: 'EIO' });
  t.notRegex(defect.stack ?? '', /tell nobody/);
});

test('nothing of a secret that begins with another one, or has a short line, is passed on, however a stream is cut', (t) => {
  const short = 'hunter2-base';
  const long = `${short}-EXTENDED-9f8e7d`;
  const lines = 'line-one-is-long\nshort\ntailtail';
  for (const value of [long, lines])
    for (let at = 0; at <= value.length; at += 1) {
      const filter = redact(short, long, lines).createFilter();
      const bytes = Buffer.from(`<${value}>`);
      const out = [filter.push(bytes.subarray(0, at)), filter.push(bytes.subarray(at)), filter.end()];
      t.is(Buffer.concat(out).toString(), `<${shown}>`, `cut at ${at}`);
    }
  const filter = redact(short, long).createFilter();
  t.is(Buffer.concat([filter.push(Buffer.from(short)), filter.end()]).toString(), shown);
});

test('a secret is known as other programs escape it', (t) => {
  const forms = listForms('S3cret/Passw0rd xyz');
  for (const form of [
    'S3cret%2fPassw0rd%20xyz',
    'S3cret%2FPassw0rd+xyz',
    'S3cret/Passw0rd\\ xyz',
    'S3cret\\/Passw0rd xyz',
  ])
    t.true(forms.includes(form), form);
  t.true(listForms('Pässw0rt-für-dich').includes('P\\u00e4ssw0rt-f\\u00fcr-dich'));
  t.true(listForms('say "$HOME" now').includes('say \\"\\$HOME\\" now'));
  t.true(listForms("it's (fine)!").includes('it%27s%20%28fine%29%21'));
});
