import { existsSync, readFileSync } from 'node:fs';
import test from 'ava';

const manifest = JSON.parse(readFileSync('package.json', 'utf8'));
/** npm packs these whatever `files` says. */
const always = ['README.md', 'LICENSE', 'package.json'];

test('the package has every file that its README and its pages link to', (t) => {
  const files: string[] = [...manifest.files, ...always];
  for (const file of manifest.files.filter((each: string) => each !== 'dist')) t.true(existsSync(file), file);
  for (const [, link = ''] of readFileSync('README.md', 'utf8').matchAll(/\]\(([^)#\s]+)/g)) {
    if (/^https?:/.test(link)) continue;
    t.true(
      files.some((file) => link === file || link.startsWith(`${file}/`)),
      link,
    );
  }
});

test('the schemas can be imported, and the manual, the home and the place for bugs are named', (t) => {
  t.is(manifest.exports['./schema/*.json'], './schema/*.json');
  t.true(existsSync(manifest.man));
  for (const url of [manifest.homepage, manifest.bugs, manifest.repository.url])
    t.regex(url, /^(git\+)?https:\/\/github\.com\/moby-patch\/moby-patch/);
});

test('the changelog has the version', (t) => {
  t.true(readFileSync('CHANGELOG.md', 'utf8').includes(`\n## ${manifest.version}\n`));
});
