import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { createReadingSession } from '#src/setup/reading-session.js';
import { type CheckRequest, check } from '#src/tasks/check/check.js';
import { formatGithub, formatSarif, formatText } from '#src/tasks/check/formats.js';
import { createFolder } from '../patch/support/patch-folder.js';

const step = 'steps:\n  - file: {path: etc/motd, content: hi}\n';

async function run(t: ExecutionContext, files: Record<string, string>, request: Partial<CheckRequest> = {}) {
  const folder = await createFolder(t, files);
  const session = createReadingSession({ folder, environment: { HOME: join(folder, 'home') } });
  const results = await check({ named: [], ...request }, session);
  const findings = results.flatMap((result) => result.findings);
  return {
    folder,
    findings,
    names: results.map(({ kind, name }) => `${kind} ${name.replace(`${folder}/`, '')}`),
    lines: formatText(findings)
      .filter((line) => !line.startsWith('  try'))
      .map((line) => line.replaceAll(`${folder}/`, '')),
  };
}

test('all patches of a folder are checked without a configuration, and each is named', async (t) => {
  const { names, lines } = await run(t, {
    'a/patch.yaml': `title: a\n${step}`,
    'patches/b/patch.yaml': `title: b\n${step}`,
    'c/patch.yaml': 'steps: [{fiel: x}]\n',
    'other/file': 'x',
  });
  t.deepEqual(names, ['patch a/patch.yaml', 'patch c/patch.yaml', 'patch patches/b/patch.yaml']);
  t.deepEqual(lines, [
    'c/patch.yaml:1:1: title: found nothing, wanted a text [key-missing]',
    'c/patch.yaml:1:10: unknown kind of step "fiel" (did you mean "file"?) [step-unknown]',
  ]);
});

test('a folder with nothing to check is an error, and no success', async (t) => {
  await t.throwsAsync(run(t, { 'x/y': '' }), { code: 'nothing-to-check' });
});

test('of several named patches each is checked, also beside one that is not there', async (t) => {
  const files = { 'a/patch.yaml': `title: a\n${step}`, 'b/patch.yaml': 'title: [b\n' };
  const folder = await createFolder(t, files);
  const session = createReadingSession({ folder, environment: { HOME: folder } });
  const named = [join(folder, 'a'), join(folder, 'none'), join(folder, 'b/patch.yaml')];
  const results = await check({ named }, session);
  t.deepEqual(
    results.map(({ findings }) => findings.map(({ code }) => code)),
    [[], ['patch-unknown'], ['yaml-syntax']],
  );
});

const careless = `title: careless
parameters:
  used: {default: x, description: d}
  in-script: {default: x, description: d}
  unused: {default: x, description: d}
steps:
  - file: {path: run/motd, content: "\${used}"}
  - run: echo "$in_script"
  - run: {from: used.sh}
  - mount: {source: "h:/x", target: /x, options: "vers=3,udp"}
  - fstab: {source: "h:/y", target: /y, type: nfs4}
`;

test('what is allowed and seldom meant is a warning, and an error with --strict', async (t) => {
  const files = { 'p/patch.yaml': careless, 'p/used.sh': 'true', 'p/left.txt': '', 'p/README.md': '' };
  const { lines, findings } = await run(t, files);
  t.deepEqual(lines, [
    'p/patch.yaml:1:1: warning: found the file left.txt in the patch folder, which no step uses [payload-unused]',
    'p/patch.yaml:5:3: warning: found the parameter unused, which nothing uses [parameter-unused]',
    'p/patch.yaml:7:18: warning: found run/motd, which the boot hides: it mounts something over /run; wanted another place [path-hidden]',
    'p/patch.yaml:10:50: warning: found NFS over UDP in the options "vers=3,udp", wanted TCP: over UDP the mount succeeds and then freezes [nfs-udp]',
    'p/patch.yaml:10:50: warning: found no "nolock" in the options "vers=3,udp" of NFS 3, wanted it: without a lock service on both sides programs wait for ever [nfs-locks]',
  ]);
  t.true(findings.every(({ severity }) => severity === 'warning'));
  const strict = await run(t, files, { strict: true });
  t.true(strict.findings.every(({ severity }) => severity === 'error'));
});

test('the configuration is checked with the patches that it names', async (t) => {
  const { lines, names } = await run(t, {
    'moby-patch.yaml': 'image: i\npatches: [./a, nsf, b]\n',
    'a/patch.yaml': `title: a\nconflicts: [b]\n${step}`,
    'patches/b/patch.yaml': `title: b\nuses: [none]\n${step}`,
  });
  t.true(names.includes('configuration moby-patch.yaml'));
  t.true(lines.some((line) => line.startsWith('a/patch.yaml:2:13: found the patch b beside a')));
  t.true(lines.some((line) => /^moby-patch.yaml:2:16: patches: patch nsf: .*did you mean "nfs"/.test(line)));
  t.true(lines.some((line) => line.startsWith('patches/b/patch.yaml:2:8: uses: patch none')));
});

test('a circle of uses, and patches in conflict that one uses, are told in the file where they begin', async (t) => {
  const { lines } = await run(t, {
    'patches/a/patch.yaml': `title: a\nuses: [b]\n${step}`,
    'patches/b/patch.yaml': `title: b\nuses: [a]\n${step}`,
    'patches/c/patch.yaml': `title: c\nuses: [d]\nconflicts: [d]\n${step}`,
    'patches/d/patch.yaml': `title: d\n${step}`,
  });
  t.true(lines.some((line) => line.startsWith('patches/a/patch.yaml:2:8: found a circle (a uses b uses a)')));
  t.true(lines.some((line) => line.startsWith('patches/b/patch.yaml:2:8: found a circle (b uses a uses b)')));
  t.true(lines.some((line) => line.startsWith('patches/c/patch.yaml:3:13: found the patch d beside c')));
});

test('problems are SARIF, with all that its schema requires, and commands of GitHub', async (t) => {
  const { folder, findings } = await run(t, { 'p/patch.yaml': careless.replace('title: careless\n', '') });
  const sarif = JSON.parse(JSON.stringify(formatSarif(findings, { folder, version: '1' })));
  t.is(sarif.version, '2.1.0');
  t.regex(sarif.$schema, /sarif-2\.1\.0\.json$/);
  const [{ tool, results }] = sarif.runs;
  t.is(tool.driver.name, 'moby-patch');
  t.is(results.length, findings.length);
  for (const { ruleId, ruleIndex, level, message, locations } of results) {
    t.is(tool.driver.rules[ruleIndex].id, ruleId);
    t.true(['none', 'note', 'warning', 'error'].includes(level));
    t.is(typeof message.text, 'string');
    const { artifactLocation, region } = locations[0].physicalLocation;
    t.is(artifactLocation.uri, 'p/patch.yaml');
    t.true(region.startLine >= 1 && region.startColumn >= 1);
  }
  const [line] = formatGithub(
    [{ severity: 'error', code: 'x', at: { file: `${folder}/a:b`, line: 1, column: 2 }, text: '100%\nx' }],
    folder,
  );
  t.is(line, '::error file=a%3Ab,line=1,col=2,title=x::100%25%0Ax');
});
