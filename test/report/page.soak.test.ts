import { spawn } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Duplex } from 'node:stream';
import type { ExecutionContext } from 'ava';
import { renderHtml } from '#src/report/html/page.js';
import { targetRenderers } from '#src/report/many/targets.js';
import { matrixRenderers } from '#src/report/proof/matrix-reports.js';
import { createTestFolder } from '../fixtures/archive.js';
import { declareTest, findMissingProgram } from '../fixtures/needs.js';
import { matrix, targets } from './many-reports.js';
import { createHostileReport, createReport } from './reports.js';

/** A browser without a window, as DevTools' protocol drives it over pipes: a message is JSON and ends with a zero. */
async function openBrowser(t: ExecutionContext, page: string) {
  const profile = await createTestFolder(t);
  const flags = ['--headless', '--no-sandbox', '--disable-gpu', '--remote-debugging-pipe'];
  const child = spawn('chromium', [...flags, `--user-data-dir=${profile}`, 'about:blank'], {
    stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'],
  });
  const [input, output] = [child.stdio[3] as Duplex, child.stdio[4] as Duplex];
  const waiting = new Map<number, (value: { result?: object; error?: object }) => void>();
  let [last, rest] = [0, ''];
  output.setEncoding('utf8').on('data', (piece: string) => {
    const messages = (rest + piece).split('\0');
    rest = messages.pop() ?? '';
    for (const text of messages) {
      const message = JSON.parse(text);
      waiting.get(message.id)?.(message);
    }
  });
  const call = async (method: string, params: object = {}, sessionId?: string) => {
    last += 1;
    const id = last;
    const answer = new Promise<{ result?: object; error?: object }>((resolve) => waiting.set(id, resolve));
    input.write(`${JSON.stringify({ id, method, params, sessionId })}\0`);
    const { result, error } = await answer;
    if (error !== undefined) throw new Error(`${method}: ${JSON.stringify(error)}`);
    return result as Record<string, never>;
  };
  const { targetId } = await call('Target.createTarget', { url: page });
  const { sessionId } = await call('Target.attachToTarget', { targetId, flatten: true });
  const evaluate = async (expression: string): Promise<unknown> => {
    const { result } = await call('Runtime.evaluate', { expression, awaitPromise: true }, sessionId);
    return (result as unknown as { value: unknown }).value;
  };
  // A new target shows an empty page first.
  const isLoaded = 'document.readyState === "complete" && location.protocol === "file:"';
  while ((await evaluate(isLoaded)) !== true);
  const resize = (width: number) =>
    call(
      'Emulation.setDeviceMetricsOverride',
      { width, height: 900, deviceScaleFactor: 1, mobile: false },
      sessionId,
    );
  const shade = (value: 'light' | 'dark') =>
    call('Emulation.setEmulatedMedia', { features: [{ name: 'prefers-color-scheme', value }] }, sessionId);
  const close = async () => {
    const gone = new Promise((resolve) => child.once('exit', resolve));
    await call('Browser.close').catch(() => child.kill());
    await gone;
  };
  /** Roles and names, as a screen reader has them. */
  const listNames = async () => {
    const { nodes } = await call('Accessibility.getFullAXTree', {}, sessionId);
    return (nodes as unknown as AccessNode[])
      .filter(({ ignored }) => !ignored)
      .map(({ role, name }) => ({ role: role?.value, name: name?.value ?? '' }));
  };
  return { evaluate, resize, shade, listNames, [Symbol.asyncDispose]: close };
}

interface AccessNode {
  readonly ignored: boolean;
  readonly role?: { readonly value: string };
  readonly name?: { readonly value: string };
}

/** Text of which the contrast with what is behind it is below 4.5:1 (WCAG 2.2, 1.4.3). */
const findFaint = `(() => {
  const parse = (text) => (text.match(/[\\d.]+/g) ?? []).map(Number);
  const light = ([r, g, b]) => {
    const [x, y, z] = [r, g, b].map((each) => (each /= 255) <= 0.03928 ? each / 12.92 : ((each + 0.055) / 1.055) ** 2.4);
    return 0.2126 * x + 0.7152 * y + 0.0722 * z;
  };
  const behind = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const colour = parse(getComputedStyle(at).backgroundColor);
      if (colour.length === 3 || colour[3] > 0) return colour;
    }
    return [255, 255, 255];
  };
  return [...document.querySelectorAll('body *')].filter((element) => {
    const own = [...element.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim() !== '');
    if (!own || element.closest('script, [hidden]') || element.getClientRects().length === 0) return false;
    const [a, b] = [light(parse(getComputedStyle(element).color)), light(behind(element))].sort((x, y) => y - x);
    return (a + 0.05) / (b + 0.05) < 4.5;
  }).map((element) => element.outerHTML.slice(0, 120));
})()`;

/** Words of letters alone that stand on two lines. */
const findBroken = `(() => {
  const walker = document.createTreeWalker(document.querySelector('main'), NodeFilter.SHOW_TEXT);
  const broken = [];
  for (let node = walker.nextNode(); node; node = walker.nextNode())
    if (node.parentElement.closest('.long') === null)
    for (const { 0: word, index } of node.textContent.matchAll(/[a-z]{2,24}/gi)) {
      const range = document.createRange();
      range.setStart(node, index);
      range.setEnd(node, index + word.length);
      const tops = [...range.getClientRects()].map(({ top }) => Math.round(top));
      if (new Set(tops).size > 1) broken.push(word);
    }
  return broken;
})()`;

declareTest(
  findMissingProgram('chromium'),
  'a page fits into each width, breaks no word, has contrast and names for a screen reader, and its filter works',
  async (t) => {
    const folder = await createTestFolder(t);
    const pages = {
      good: renderHtml(createReport()),
      hostile: renderHtml(createHostileReport()),
      targets: targetRenderers.get('.html')?.(targets) ?? '',
      matrix: matrixRenderers.get('.html')?.(matrix) ?? '',
    };
    for (const [name, page] of Object.entries(pages)) {
      const path = join(folder, `${name}.html`);
      await writeFile(path, page);
      await using browser = await openBrowser(t, `file://${path}`);
      for (const width of [360, 800, 1600])
        for (const shade of ['light', 'dark'] as const) {
          await browser.resize(width);
          await browser.shade(shade);
          const where = `${name} ${width} ${shade}`;
          t.true(Number(await browser.evaluate('document.documentElement.scrollWidth')) <= width, where);
          t.deepEqual(await browser.evaluate(`JSON.stringify(${findFaint})`), '[]', where);
          const broken = await browser.evaluate(`JSON.stringify(${findBroken})`);
          if (name !== 'hostile') t.is(broken, '[]', where);
        }
      const parts = (await browser.listNames()).filter(({ role = '' }) =>
        ['region', 'table', 'image', 'searchbox', 'columnheader', 'navigation'].includes(role),
      );
      const hasFilter = (await browser.evaluate('document.querySelector("#search") !== null')) === true;
      t.is(hasFilter, name === 'good' || name === 'hostile', name);
      t.true(parts.length > (hasFilter ? 20 : 5), name);
      t.deepEqual(
        parts.filter((part) => part.name === ''),
        [],
        name,
      );
      if (!hasFilter) continue;
      const shown = 'document.querySelector("#shown").textContent';
      const all = await browser.evaluate(shown);
      const search = (text: string) =>
        browser.evaluate(`(() => { const field = document.querySelector('#search'); field.value = ${JSON.stringify(text)};
          field.dispatchEvent(new Event('input')); return ${shown}; })()`);
      t.is(await search('nothing has this name'), '0 shown', name);
      t.is(await search(''), all, name);
    }
  },
);
