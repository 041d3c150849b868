import test from 'ava';
import { parseApkInstalled, parseDpkgStatus } from '#src/format/package-database.js';
import { createManifest } from '#src/report/manifest.js';
import { createProvenance, createVerdict } from '#src/report/provenance.js';
import { createSbom } from '#src/report/sbom.js';
import { provenanceSchema, testResultSchema } from './in-toto-schemas.js';
import { createReport, createStep } from './reports.js';

const report = createReport();
const created = createManifest(report);
const patches = created.patches.map((patch) => ({ ...patch, sha256: 'd'.repeat(64) }));
const manifest = { ...created, patches };

const packages = [
  { type: 'deb', name: 'libstdc++6', version: '1:2~3', architecture: 'amd64' },
  { type: 'deb', name: 'sed', version: '4' },
];

test('provenance names the output, the input, the patches and no time', (t) => {
  const made = { ...manifest, packages: { sed: '4', lost: '9' } };
  const statement = createProvenance({ manifest: made, version: '1.2.3', packages, os: 'debian' });
  t.deepEqual(statement, provenanceSchema.parse(statement));
  t.regex(
    JSON.stringify(statement),
    /"package sed","uri":"pkg:deb\/debian\/sed@4".*"uri":"pkg:generic\/lost@9"/,
  );
  t.is(statement._type, 'https://in-toto.io/Statement/v1');
  t.is(statement.predicateType, 'https://slsa.dev/provenance/v1');
  t.deepEqual(statement.subject, [
    { name: manifest.output.name, digest: { sha256: manifest.output.sha256 } },
  ]);
  t.like(statement.predicate, {
    buildDefinition: { internalParameters: { plan: manifest.plan } },
    runDetails: { builder: { version: { 'moby-patch': '1.2.3' } } },
  });
  t.notRegex(JSON.stringify(statement), /\d\d\d\d-\d\d-\d\dT/);
});

test('the verdict is a test result; without a boot there is none', (t) => {
  const kernel = { name: 'vmlinuz', sha256: 'c'.repeat(64) };
  const statement = createVerdict({ manifest, report, kernel });
  t.deepEqual(statement, testResultSchema.parse(statement));
  t.like(statement, {
    predicateType: 'https://in-toto.io/attestation/test-result/v0.1',
    predicate: {
      result: 'PASSED',
      passedTests: ['boot: init', 'the guest has unpacked what the image holds', 'file /etc/motd'],
      failedTests: [],
    },
  });
  t.is(createVerdict({ manifest, report: { boot: undefined }, kernel }), undefined);
});

test('the verdict names the disks of the guest, and whether it went over to its root', (t) => {
  const kernel = { name: 'vmlinuz', sha256: 'c'.repeat(64) };
  const disks = [{ name: 'root.qcow2', sha256: 'e'.repeat(64) }];
  const boot = report.boot && {
    ...report.boot,
    disks: [{ file: 'root.qcow2', format: 'qcow2', device: '/dev/vda' } as const],
    stages: [{ name: 'handed over', state: 'reached', seconds: 12 } as const],
  };
  const statement = createVerdict({ manifest, report: { boot }, kernel, disks });
  t.deepEqual(statement, testResultSchema.parse(statement));
  const text = JSON.stringify(statement);
  t.regex(text, /"name":"root\.qcow2","digest":\{"sha256":"e{64}"\},"annotations":\{"device":"\/dev\/vda"\}/);
  t.regex(text, /"passedTests":\["boot: init","handed over to the root"/);
});

test('a bill of materials has each package once, with those that a patch has added', (t) => {
  const made = { ...manifest, packages: { sed: '4', lost: '9' } };
  const bill = createSbom({ manifest: made, version: '1', packages, isIncomplete: true, os: 'debian' });
  const libraries = bill.components.filter(({ type }) => type === 'library');
  t.deepEqual(
    libraries.map((each) => each['bom-ref']),
    ['pkg:deb/debian/libstdc%2B%2B6@1%3A2~3?arch=amd64', 'pkg:deb/debian/sed@4', 'package:lost@9'],
  );
  t.deepEqual(
    libraries.map((each) => 'properties' in each),
    [false, true, true],
  );
  t.regex(
    bill.serialNumber,
    /^urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/,
  );
  t.deepEqual(bill.compositions[0]?.aggregate, 'incomplete');
});

test('packages that are known and not installed are none', (t) => {
  const dpkg =
    'Package: a\nStatus: install ok installed\nArchitecture: all\nVersion: 1\n\nPackage: b\nStatus: deinstall ok config-files\nVersion: 2\n\nPackage: c\nStatus: purge ok not-installed\nVersion: 3\n';
  t.deepEqual(
    parseDpkgStatus(dpkg).map(({ name, version }) => `${name} ${version}`),
    ['a 1'],
  );
  t.deepEqual(parseApkInstalled('C:x\nP:musl\nV:1.2-r0\nA:x86_64\nF:lib\n\nP:broken\n'), [
    { name: 'musl', version: '1.2-r0', architecture: 'x86_64' },
  ]);
});

test('the manifest names the steps behind a path: those that say so, else those that ran commands', (t) => {
  const change = (path: string, kind: 'added' | 'removed' = 'added') => ({
    path,
    kind,
    type: 'file' as const,
    fields: [],
  });
  const steps = [
    createStep({ summary: 'put', paths: ['etc/a', 'srv/deep/b'] }),
    createStep({ summary: 'remove', paths: ['usr/share/doc'] }),
  ];
  const differences = [
    change('etc/a'),
    change('srv/deep'),
    change('usr/share/doc/x', 'removed'),
    change('bin/y'),
  ];
  const diff = { added: 3, removed: 1, changed: 0, differences };
  const list = (more: typeof steps) =>
    createManifest(createReport({ steps: more, diff })).changes.map(({ steps }) => steps);
  t.deepEqual(list(steps), [[0], [0], [1], []]);
  t.deepEqual(list([...steps, createStep({ summary: 'run', ran: true })]), [[0], [2], [1], [2]]);
});
