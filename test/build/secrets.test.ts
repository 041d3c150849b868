// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the notation of patch files
import { chmod, mkdir, readdir, readFile, rename, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gunzipSync, inflateRawSync } from 'node:zlib';
import test, { type ExecutionContext } from 'ava';
import { openImage } from '#src/unpack/open-image.js';
import { writeTinyImage } from '../boot/tiny-image.js';
import { createTestFolder } from '../fixtures/archive.js';
import { callMoby } from '../fixtures/command-context.js';
import { noBusybox } from '../fixtures/images/busybox.js';
import { noNamespaces } from '../fixtures/local-executor.js';
import { declareTest } from '../fixtures/needs.js';

const value = 's3cret/of+ours?\'with"quotes';
const applets = ['env', 'base64', 'tr', 'ln', 'touch', 'printf', 'rev', 'test', '[', 'rm', 'grep'];

interface Bench {
  readonly folder: string;
  moby(args: readonly string[], environment?: Readonly<Record<string, string>>): ReturnType<typeof callMoby>;
  /** A build with a patch of these steps, without a boot. */
  build(steps: string, ...args: string[]): ReturnType<typeof callMoby>;
  entry(path: string): Promise<string | undefined>;
}

async function openBench(t: ExecutionContext): Promise<Bench> {
  const folder = await createTestFolder(t);
  const links = applets.map((name) => ({ path: `bin/${name}`, type: 'symlink' as const, body: 'busybox' }));
  await writeTinyImage(join(folder, 'in.img'), undefined, [...links, { path: 'etc/motd', body: 'hello\n' }]);
  const common = {
    HOME: folder,
    XDG_STATE_HOME: '',
    XDG_CACHE_HOME: '',
    MOBY_PATCH_CACHE: join(folder, 'cache'),
  };
  const moby: Bench['moby'] = (args, environment = { MOBY_PATCH_SECRET_API_TOKEN: value }) =>
    callMoby(args, folder, { ...common, ...environment });
  return {
    folder,
    moby,
    async build(steps, ...args) {
      await writePatch(folder, steps);
      const usual = ['-i', 'in.img', '-p', './patches/p', '-o', 'out.img', '--no-verify'];
      return moby(['build', ...usual, '--report', 'report.json', '--report', 'report.html', ...args]);
    },
    async entry(path) {
      const { signal } = new AbortController();
      await using image = await openImage(join(folder, 'out.img'), { signal, name: 'out' });
      const entry = image.entries.get(path);
      if (entry === undefined) return undefined;
      let text = entry.target ?? '';
      for await (const piece of entry.body()) text += Buffer.from(piece).toString();
      return text;
    },
  };
}

async function writePatch(folder: string, steps: string): Promise<void> {
  const text = `title: Test
parameters:
  server: {description: a host, default: h}
  api-token: {description: a token, secret: true}
steps:
${steps}`;
  await mkdir(join(folder, 'patches/p'), { recursive: true });
  await writeFile(join(folder, 'patches/p/patch.yaml'), text);
}

/** Every file of the folder that holds a text, also where it is compressed. */
async function findText(folder: string, text: string): Promise<string[]> {
  const found: string[] = [];
  for (const item of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (!item.isFile()) continue;
    const path = join(item.parentPath ?? item.path, item.name);
    const bytes = await readFile(path);
    if (unfold(bytes).some((each) => each.includes(text))) found.push(path.slice(folder.length + 1));
  }
  return found;
}

/** The bytes, and what they hold in the forms in which the cache and images hold something. */
function unfold(bytes: Buffer): Buffer[] {
  const tries = [
    () => gunzipSync(bytes),
    () => inflateRawSync(bytes),
    () => inflateRawSync(bytes.subarray(32)),
    () => gunzipSync(bytes.subarray(32)),
  ];
  return [
    bytes,
    ...tries.flatMap((unpack) => {
      try {
        return [unpack()];
      } catch {
        return [];
      }
    }),
  ];
}

declareTest(noNamespaces, 'a parameter with shell code in it is data for the script of a step', async (t) => {
  const { build, entry } = await openBench(t);
  const attack = 'x; touch /pwned $(touch /pwned2) `touch /pwned3`';
  const steps = '  - run: echo $server > /one; echo "$server" > /two\n';
  const { code, stderr } = await build(steps, '--engine', 'local', '-s', `server=${attack}`);
  t.is(code, 0, stderr);
  t.is(await entry('two'), `${attack}\n`);
  t.is(await entry('one'), `${attack}\n`, 'words are split at blanks, and nothing is run');
  for (const path of ['pwned', 'pwned2', 'pwned3']) t.is(await entry(path), undefined);
  const refused = await build(
    '  - run: echo ${server} > /one\n',
    '--engine',
    'local',
    '-s',
    `server=${attack}`,
  );
  t.is(refused.code, 2);
  t.regex(refused.stderr, /found \$\{server\} in the text of a script, wanted "\$server"/);
});

declareTest(
  noNamespaces,
  'a secret is in no report, log, manifest or cache, and in no list of processes',
  async (t) => {
    const { folder, build, entry } = await openBench(t);
    const script = [
      'test "t=$api_token" = "$(cat /etc/token)" && echo equal',
      'echo "it is $api_token"',
      'half=${api_token%of*}',
      'printf %s "$half"; sleep 0.2; echo "${api_token#"$half"}"',
      'printf %s "$api_token" | base64',
      // A line is cut here for the log: within the secret.
      'printf %016370d 0; echo "$api_token"',
      'for each in /proc/[0-9]*; do tr "\\0" "\\n" <"$each/cmdline"; done >/lines',
      'case "$(cat /lines)" in *"$api_token"*) echo among the arguments ;; esac',
      'rm /lines',
    ];
    await mkdir(join(folder, 'patches/p'), { recursive: true });
    await writeFile(join(folder, 'patches/p/script.sh'), script.join('\n'));
    const steps = `
      - file: {path: etc/token, content: "t=\${api-token}\\n", mode: 0o600, stores-secret: true}
      - run: {from: script.sh, secrets: [api-token]}
      - run: 'if env | grep ^api_token=; then exit 3; fi; echo "later: $(cat /etc/token)"'
    `;
    const built = await build(steps, '--engine', 'local');
    t.is(built.code, 0, built.stderr);
    t.is(await entry('etc/token'), `t=${value}\n`);
    t.is((await stat(join(folder, 'out.img'))).mode & 0o777, 0o600);
    t.regex(built.stderr, / equal$/m);
    t.regex(built.stderr, /it is secret hmac-sha256:[0-9a-f]{12}$/m);
    t.regex(built.stderr, / secret hmac-sha256:[0-9a-f]{12}$/m);
    t.regex(built.stderr, /later: t=secret hmac-sha256:[0-9a-f]{12}$/m);
    t.notRegex(built.stderr, /among the arguments/);
    const report = await readFile(join(folder, 'report.json'), 'utf8');
    t.regex(report, /"api-token": "secret hmac-sha256:[0-9a-f]{12}"/);
    const base64 = Buffer.from(value).toString('base64');
    for (const text of [value, base64.slice(0, -2), value.slice(0, 12), value.slice(-12)]) {
      for (const shown of [built.stdout, built.stderr]) t.false(shown.includes(text), text);
      // A folder that was never made holds nothing.
      const kept = (await findText(folder, text)).filter((path) => path !== 'out.img');
      t.deepEqual(kept, [], text);
    }
    t.deepEqual(await findText(folder, value), ['out.img']);
  },
);

declareTest(
  noNamespaces,
  'what steps made after they saw a secret is not kept; what came before is',
  async (t) => {
    const { folder, build } = await openBench(t);
    const before = await build('  - run: "echo a > /a"\n', '--engine', 'local');
    t.is(before.code, 0, before.stderr);
    const kept = await readdir(join(folder, 'cache'), { recursive: true });
    const steps = '  - run: {script: "echo a > /b", secrets: [api-token]}\n  - run: "echo c > /c"\n';
    const { code, stderr } = await build(steps, '--engine', 'local');
    t.is(code, 0, stderr);
    const kinds = (names: readonly string[]) =>
      names.filter((name) => /^(member|members|steps)\//.test(name)).sort();
    t.deepEqual(kinds(await readdir(join(folder, 'cache'), { recursive: true })), kinds(kept));
  },
);

declareTest(
  noNamespaces,
  'a secret that a step leaves in the image unasked fails the build, in each form',
  async (t) => {
    const { build, entry } = await openBench(t);
    const run = (script: string) => `  - run: {script: ${JSON.stringify(script)}, secrets: [api-token]}\n`;
    const cases: readonly [string, RegExp][] = [
      ['printf "key = %s" "$api_token" > /etc/key', /api-token in the contents of etc\/key/],
      ['printf %s "user:$api_token" | base64 > /etc/key', /api-token in the contents of etc\/key/],
      ['printf %s "a$api_token" | base64 | tr -d "\\n" | tr +/ -_ > /etc/key', /in the contents of etc\/key/],
      [
        'for c in s3 cret/ "of+ours?\'with\\"" quotes; do echo $c; done > /etc/key',
        /in the contents of etc\/key/,
      ],
      ['ln -s "$api_token" /etc/link', /api-token in the (target|contents) of etc\/link/],
      ['mkdir -p "/etc/$api_token"', /api-token in the name of etc\/secret hmac/],
    ];
    for (const [script, wanted] of cases) {
      const { code, stderr } = await build(run(script), '--engine', 'local');
      t.is(code, 1, script);
      t.regex(stderr, /\[secret-in-image\]\n {2}try: .*stores-secret: true/, script);
      t.regex(stderr, wanted, script);
      t.false(stderr.includes(value), script);
      await t.throwsAsync(entry('etc/key'), undefined, 'nothing is published');
    }
    const stored = await build(
      '  - run: {script: \'printf %s "$api_token" > /etc/key\', secrets: [api-token], stores-secret: true}\n',
      '--engine',
      'local',
    );
    t.is(stored.code, 0, stored.stderr);
    t.is(await entry('etc/key'), value);
  },
);

declareTest(noNamespaces, 'a file that may hold a secret is the only one that may', async (t) => {
  const { build } = await openBench(t);
  const steps = `  - file: {path: etc/token, content: "\${api-token}", stores-secret: true}
  - run: "cat /etc/token > /etc/copy"
`;
  const { code, stderr } = await build(steps, '--engine', 'local');
  t.is(code, 1);
  t.regex(stderr, /no step stores in it: api-token in the contents of etc\/copy \[|etc\/copy$/m);
  t.notRegex(stderr, /contents of etc\/token/);
});

declareTest(
  noNamespaces,
  'a secret that was in the image before fails the build too, also behind a new archive',
  async (t) => {
    const { folder, build, moby } = await openBench(t);
    const first = await build('  - file: {path: etc/token, content: "${api-token}", stores-secret: true}\n');
    t.is(first.code, 0, first.stderr);
    await rename(join(folder, 'out.img'), join(folder, 'in.img'));
    const steps =
      '  - file: {path: etc/token, content: other}\n  - run: {script: "true", secrets: [api-token]}\n';
    const rewritten = await build(steps, '--engine', 'local');
    t.is(rewritten.code, 0, rewritten.stderr);
    const appended = await build(steps, '--engine', 'local', '--mode', 'append');
    t.is(appended.code, 1, 'the old record is still in the file');
    t.regex(appended.stderr, /api-token in the contents of etc\/token/);
    const changed = await build(
      '  - run: {script: "echo > /x", secrets: [api-token]}\n',
      '--engine',
      'local',
    );
    t.is(changed.code, 1);
    t.is((await moby(['cat', 'in.img', 'etc/token'])).stdout, value);
  },
);

declareTest(
  noBusybox,
  'the value of a secret comes from a variable, a file or the configuration, and from no argument',
  async (t) => {
    const { folder, moby, entry } = await openBench(t);
    await writePatch(folder, '  - file: {path: etc/token, content: "${api-token}", stores-secret: true}\n');
    const usual = ['build', '-i', 'in.img', '-p', './patches/p', '-o', 'out.img', '--no-verify'];
    const file = join(folder, 'token');
    await writeFile(file, 'from a file\n', { mode: 0o600 });
    const built = async (wanted: string, args: readonly string[], environment = {}) => {
      const ran = await moby(args, environment);
      t.is(ran.code, 0, ran.stderr);
      t.is(await entry('etc/token'), wanted);
      return ran;
    };
    const quiet = await built('from a file', [...usual, '--secret', 'api-token=file:token']);
    t.notRegex(quiet.stdout, /chmod/);
    await built('from a file', [...usual, '--secret', 'p.api-token=@token']);
    await built('from a variable', [...usual, '--secret', 'api-token=env:OTHER'], {
      OTHER: 'from a variable',
    });
    await built('from its variable', usual, { MOBY_PATCH_SECRET_API_TOKEN: 'from its variable' });
    await chmod(file, 0o644);
    const open = await built('from a file', [...usual, '--secret', 'api-token=file:token']);
    t.regex(open.stdout, /warning .*can be read or written by everybody on this machine: chmod 600 /);
    await writeFile(
      join(folder, 'moby-patch.yaml'),
      'image: in.img\npatches: [p]\noutput: out.img\nsecrets: {api-token: {file: token}}\n',
    );
    await built('from a file', ['build', '--no-verify']);
    t.is((await stat(join(folder, '.local/state/moby-patch/secret-key'))).mode & 0o777, 0o600);

    const refused = async (code: string, args: readonly string[], environment = {}) => {
      const ran = await moby([...usual, ...args], environment);
      t.is(ran.code, 2, ran.stderr);
      t.true(ran.stderr.includes(`[${code}]`), ran.stderr);
      t.false(`${ran.stderr}${ran.stdout}`.includes('tell-nobody'), ran.stderr);
      return ran.stderr;
    };
    t.regex(
      await refused('secret-exposed', ['-s', 'api-token=tell-nobody']),
      /try: export MOBY_PATCH_SECRET_API_TOKEN/,
    );
    await refused('secret-missing', []);
    await refused('secret-missing', ['--secret', 'api-token=env:NONE']);
    await refused('secret-source', ['--secret', 'api-token=tell-nobody']);
    await refused('secret-unknown', ['--secret', 'server=file:token']);
    await refused('secret-unreadable', ['--secret', 'api-token=file:patches']);
    await refused('secret-unreadable', ['--secret', 'api-token=file:gone']);
    t.regex(
      await refused('secret-invalid', [], { MOBY_PATCH_SECRET_API_TOKEN: 'short' }),
      /found 5 characters/,
    );
    const flagged = await moby([
      'plan',
      '-i',
      'in.img',
      '-p',
      './patches/p',
      '--no-verify',
      '--secret',
      'api-token=@token',
    ]);
    t.regex(flagged.stdout, /file etc\/token \(gets api-token\)/);
    const unknown = await moby(['plan', '-i', 'in.img', '-p', './patches/p', '--no-verify'], {});
    t.is(unknown.code, 0, unknown.stderr);
    t.regex(unknown.stdout, /file etc\/token \(gets api-token\)/);
    t.regex(unknown.stdout, /^warning the secret api-token of the patch p has no value yet: export MOBY_/m);
  },
);

test('a digest in a report is another one for every user, so that nobody can try words', async (t) => {
  const shown = async () => {
    const { build, folder } = await openBench(t);
    await build('  - file: {path: a, content: "${api-token}", stores-secret: true}\n');
    const find = async () =>
      /secret hmac-sha256:\w+/.exec(await readFile(join(folder, 'report.json'), 'utf8'))?.[0];
    const first = await find();
    await build('  - file: {path: a, content: "${api-token}", stores-secret: true}\n');
    t.is(await find(), first, 'the same value has the same digest at the next build');
    return first;
  };
  const [one, other] = [await shown(), await shown()];
  t.truthy(one);
  t.not(one, other);
});
