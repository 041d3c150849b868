import { readFileSync } from 'node:fs';
import test from 'ava';

interface Manifest {
  readonly scripts: Readonly<Record<string, string>>;
}

interface Lock {
  readonly packages: Readonly<
    Record<string, { dev?: boolean; hasInstallScript?: boolean; engines?: { node?: string } }>
  >;
}

const { scripts }: Manifest = JSON.parse(readFileSync('package.json', 'utf8'));
const { packages }: Lock = JSON.parse(readFileSync('package-lock.json', 'utf8'));

test('an install runs no script, so npm has nothing to warn of', (t) => {
  for (const name of ['preinstall', 'install', 'postinstall', 'prepare'])
    t.is(scripts[name], undefined, name);
  for (const [name, { dev, hasInstallScript }] of Object.entries(packages))
    t.false(dev !== true && hasInstallScript === true, name);
});

test('every dependency runs on the oldest Node that the package supports', (t) => {
  for (const [name, { dev, engines }] of Object.entries(packages)) {
    if (dev === true || engines?.node === undefined) continue;
    const [, oldest] = /^>= ?(\d+)/.exec(engines.node) ?? [];
    t.true(Number(oldest) <= 20, `${name} needs Node ${engines.node}`);
  }
});
