import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import test from 'ava';
import { listPages } from './pages.js';

const more = [
  'ARCHITECTURE.md',
  'CONTRIBUTING.md',
  'patches/README.md',
  'patches/nfs/README.md',
  'images/README.md',
];

/** As GitHub names the headings of a page. */
function listAnchors(text: string): Set<string> {
  const headings = [...text.replace(/^```.*?^```/gms, '').matchAll(/^#+ (.*)$/gm)];
  const counts = new Map<string, number>();
  return new Set(
    headings.map(([, title = '']) => {
      const name = title
        .toLowerCase()
        .replace(/[^\p{L}\p{N} _-]/gu, '')
        .replaceAll(' ', '-');
      const before = counts.get(name) ?? 0;
      counts.set(name, before + 1);
      return before === 0 ? name : `${name}-${before}`;
    }),
  );
}

/** What a page links to that is not there. */
function listBroken(page: string): string[] {
  const links = [...readFileSync(page, 'utf8').matchAll(/\]\(([^)\s]+)\)/g)].map(([, link = '']) => link);
  const own = (link: string) =>
    /^https:\/\/github\.com\/moby-patch\/moby-patch\/(?:blob|tree)\/main\/(.*)/.exec(link)?.[1];
  return links.filter((link) => {
    const path = own(link);
    return path === undefined ? !/^https?:/.test(link) && !isThere(page, link) : !existsSync(path);
  });
}

function isThere(page: string, link: string): boolean {
  const [path = '', anchor] = link.split('#');
  const target = path === '' ? page : join(dirname(page), path);
  if (!existsSync(target)) return false;
  return anchor === undefined || listAnchors(readFileSync(target, 'utf8')).has(anchor);
}

for (const page of [...listPages(), ...more])
  test(`every link of ${page} leads to a file, and to a heading in it`, (t) => {
    t.deepEqual(listBroken(page), []);
  });

test('no page of the package links to a file that the package does not have', (t) => {
  const { files } = JSON.parse(readFileSync('package.json', 'utf8')) as { readonly files: string[] };
  const isPacked = (path: string) =>
    /^(?:README|LICENSE|package\.json)/.test(path) ||
    files.some((each) => new RegExp(`^${each.replaceAll('*', '[^/]*')}(?:/|$)`).test(path));
  const links = listPages()
    .filter(isPacked)
    .flatMap((page) =>
      [...readFileSync(page, 'utf8').matchAll(/\]\((?!https?:|#)([^)\s#]+)/g)].map(
        ([, link = '']) => `${page}: ${normalize(join(dirname(page), link))}`,
      ),
    );
  t.true(links.length > 50, String(links.length));
  t.deepEqual(
    links.filter((each) => !isPacked(each.slice(each.indexOf(': ') + 2))),
    [],
  );
});
