import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { ExecutionContext } from 'ava';
import type { Workspace } from '#src/model/patch/workspace.js';
import { stepDefinitions } from '#src/patch/steps/registry.js';
import { findDebianRoot } from '../../fixtures/images/debian-root.js';
import { declareSerialTest, findMissingProgram } from '../../fixtures/needs.js';
import { canEnterRoots, createDirectoryWorkspace, runProgram } from '../support/directory-workspace.js';

// The real dnf, zypper and pacman, which Debian has, with repositories that they check: two packages, one of which needs the other.

const makeRepositories = `
# Debian's rpm has its database in the home of who runs it.
mkdir -p /etc/rpm; echo '%_dbpath /var/lib/rpm' >/etc/rpm/macros
export GNUPGHOME=/repo/gnupg HOME=/root
mkdir -p -m 700 $GNUPGHOME; mkdir -p /repo/rpm /repo/pacman
for who in repository stranger; do
  gpg --batch --quiet --passphrase '' --quick-gen-key "$who <$who@example.org>" rsa3072 sign never
  gpg --armor --export $who >/repo/$who.asc
done
for name in hello hello-libs given base; do
  needs=; [ $name = hello ] && needs='Requires: hello-libs'
  cat >/tmp/$name.spec <<E
Name: $name
Version: 1.0
Release: 1
Summary: for tests
License: MIT
BuildArch: noarch
$needs
%description
for tests
%install
mkdir -p %{buildroot}/usr/share
echo $name >%{buildroot}/usr/share/$name
%files
/usr/share/$name
E
  rpmbuild -bb --quiet --define '_rpmdir /repo/rpm' \\
    --define '_build_name_fmt %%{NAME}-%%{VERSION}-%%{RELEASE}.%%{ARCH}.rpm' /tmp/$name.spec
done
mv /repo/rpm/given-1.0-1.noarch.rpm /repo/rpm/base-1.0-1.noarch.rpm /repo
# libzypp reads no database without a package.
rpm -i --force-debian /repo/base-1.0-1.noarch.rpm
rpmsign --define '_gpg_name repository' --define '__gpg /usr/bin/gpg' --addsign /repo/rpm/*.rpm
createrepo_c -q /repo/rpm
cd /repo/pacman
for name in hello hello-libs given; do
  mkdir -p t/$name/usr/share db/$name-1.0-1
  echo $name >t/$name/usr/share/$name
  {
    printf '%s\\n' "pkgname = $name" 'pkgver = 1.0-1' 'pkgdesc = for tests' 'builddate = 1' 'size = 10' 'arch = any'
    if [ $name = hello ]; then echo 'depend = hello-libs'; fi
  } >t/$name/.PKGINFO
  file=$name-1.0-1-any.pkg.tar.gz
  tar -C t/$name -czf $file .PKGINFO usr
  gpg --batch --local-user repository --detach-sign $file
  { printf '%%FILENAME%%\\n%s\\n\\n%%NAME%%\\n%s\\n\\n%%VERSION%%\\n1.0-1\\n\\n%%ARCH%%\\nany\\n\\n' $file $name
    printf '%%CSIZE%%\\n%s\\n\\n%%ISIZE%%\\n10\\n\\n' $(stat -c %s $file)
    printf '%%SHA256SUM%%\\n%s\\n\\n' $(sha256sum $file | cut -d' ' -f1)
    printf '%%PGPSIG%%\\n%s\\n\\n' "$(base64 -w0 $file.sig)"
    if [ $name = hello ]; then printf '%%DEPENDS%%\\nhello-libs\\n\\n'; fi
  } >db/$name-1.0-1/desc
done
mv given-1.0-1-any.pkg.tar.gz /repo
rm -r db/given-1.0-1
tar -C db -czf mp.db hello-1.0-1 hello-libs-1.0-1
`;

const trust = (who: string) => ({
  dnf: {
    'etc/yum.repos.d/mp.repo': `[mp]\nname=mp\nbaseurl=file:///repo/rpm\ngpgcheck=1\ngpgkey=file:///repo/${who}.asc\n`,
  },
  zypper: {
    'etc/zypp/repos.d/mp.repo': `[mp]\nname=mp\nenabled=1\nbaseurl=file:///repo/rpm\ngpgcheck=1\nrepo_gpgcheck=0\ngpgkey=file:///repo/${who}.asc\n`,
  },
  pacman: {
    'etc/pacman.conf':
      '[options]\nArchitecture = auto\nSigLevel = Required DatabaseOptional\n[mp]\nServer = file:///repo/pacman\n',
  },
});
type Name = keyof ReturnType<typeof trust>;

const keyOf: Readonly<Record<Name, (who: string) => string>> = {
  dnf: () => ':',
  zypper: () => ':',
  // What pacman-key does, which needs another package.
  pacman: (who) => `rm -f /var/lib/pacman/db.lck # a pacman that was refused leaves it
mkdir -p -m 755 /etc/pacman.d/gnupg
gpg --homedir /etc/pacman.d/gnupg --batch --quiet --import /repo/${who}.asc
gpg --homedir /repo/gnupg --with-colons --list-keys ${who} | sed -n 's/^fpr:*\\([0-9A-F]*\\):.*/\\1:6:/p' | head -1 |
  gpg --homedir /etc/pacman.d/gnupg --batch --quiet --import-ownertrust`,
};
const given: Readonly<Record<Name, string>> = {
  dnf: 'given-1.0-1.noarch.rpm',
  zypper: 'given-1.0-1.noarch.rpm',
  pacman: 'given-1.0-1-any.pkg.tar.gz',
};

const noRoots =
  findMissingProgram('debootstrap') ??
  ((await canEnterRoots()) ? undefined : 'skipped: this machine forbids to enter a root');

async function createBench(t: ExecutionContext) {
  const pristine = await findDebianRoot((line) => t.log(line), 'managers');
  const folder = await mkdtemp(join(tmpdir(), 'moby-patch-test-'));
  t.teardown(() => rm(folder, { recursive: true, force: true }));
  const root = join(folder, 'root');
  await runProgram(['cp', '-a', pristine, root], {});
  const workspace = createDirectoryWorkspace(root, pristine);
  const run = async (script: string) => {
    const { exitCode, output } = await workspace.run(['/bin/sh', '-ec', script], {
      environment: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C' },
    });
    t.is(exitCode, 0, output.slice(-3000));
  };
  const configure = async (name: Name, who: string) => {
    for (const [path, text] of Object.entries(trust(who)[name])) {
      await mkdir(dirname(join(root, path)), { recursive: true });
      await writeFile(join(root, path), text);
    }
    await run(keyOf[name](who));
  };
  await run(makeRepositories);
  const payload = new Map(
    await Promise.all(
      [...new Set(Object.values(given))].map(async (name) => {
        const bytes = await readFile(join(root, 'repo', name));
        return [
          name,
          {
            size: bytes.length,
            sha256: '',
            body: async function* () {
              yield bytes;
            },
          },
        ] as const;
      }),
    ),
  );
  return { root, workspace, configure, run, payload };
}

function apply(value: object, workspace: Workspace, payload: ReadonlyMap<string, never> | undefined) {
  const step = stepDefinitions.get('package');
  if (step === undefined) throw new Error('no package step');
  const at = { file: 'patch.yaml', line: 3, column: 5 };
  const context = { payload: payload ?? new Map(), stamp: 1_700_000_000, at };
  return step.apply(step.schema.parse(value), context, workspace);
}

declareSerialTest(
  noRoots,
  'dnf, zypper and pacman install from signed repositories, refuse another signature, take files, and remove',
  async (t) => {
    const bench = await createBench(t);
    const { workspace, configure, run } = bench;
    const payload = bench.payload as never;
    const has = async (name: string) => (await workspace.stat(`usr/share/${name}`)) !== undefined;
    for (const name of ['dnf', 'zypper', 'pacman'] as const) {
      await configure(name, 'stranger');
      const refused = await t.throwsAsync(() => apply({ [name]: ['hello'] }, workspace, undefined), {
        code: 'package-failed',
      });
      t.regex(refused?.message ?? '', /signature|key|GPG|PGP/i, name);
      t.false(await has('hello'), name);
      await configure(name, 'repository');
      const installed = await apply({ [name]: ['hello'] }, workspace, undefined);
      t.deepEqual(installed.packages, { hello: '1.0-1', 'hello-libs': '1.0-1' }, name);
      t.true(await has('hello'), name);
      await t.throwsAsync(() => apply({ [name]: ['nothing-of-this-name'] }, workspace, undefined), {
        code: 'package-failed',
      });
      const file = { files: [given[name]] };
      const error = await t.throwsAsync(() => apply(file, workspace, payload), { any: true });
      t.regex(String((error as { code?: string }).code), /^package-(?:failed|unsigned)$/, name);
      t.false(await has('given'), name);
      const unsigned = await apply({ ...file, unsigned: true }, workspace, payload);
      t.deepEqual(unsigned.packages, { given: '1.0-1' }, name);
      t.true(await has('given'), name);
      t.true((await apply({ remove: ['hello', 'given', 'hello-libs'] }, workspace, undefined)).changed);
      t.false((await has('hello')) || (await has('given')), name);
      t.deepEqual(
        (await workspace.list('')).filter((each) => each.startsWith('.moby-patch')),
        [],
        name,
      );
      // Keys that one of them has imported count for the other.
      await run(
        'rm -rf /etc/yum.repos.d/mp.repo /etc/zypp/repos.d/mp.repo; rpm -e --force-debian --allmatches gpg-pubkey || :',
      );
    }
  },
);
