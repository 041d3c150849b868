import test, { type ExecutionContext } from 'ava';
import { loadConfiguration } from '#src/setup/configuration.js';
import { expandTargets, selectTargets } from '#src/setup/targets/expand-targets.js';
import { createFolder } from '../patch/support/patch-folder.js';

async function expand(t: ExecutionContext, text: string) {
  const folder = await createFolder(t, { 'moby-patch.yaml': text });
  return expandTargets(await loadConfiguration(folder, undefined));
}

test('a target is a combination of the values of its axes, with the options of the file below its own', async (t) => {
  const targets = await expand(
    t,
    `
image: a.gz
level: 9
output: plain.img
settings: {share: /srv, site: none}
targets:
  edge:
    architecture: amd64
    settings: {site: "\${site}"}
    matrix:
      image:
        - {name: old, image: old.gz, kernel: k/old}
        - {name: new, image: new.gz, architecture: arm64, settings: {extra: 1}}
      site: [oslo, rome]
    exclude: [{image: new, site: rome}]
  lone: {output: "\${target}/x.img"}
`,
  );
  t.deepEqual(
    targets.map(({ name, axes, architecture, configuration: { values } }) => ({
      name,
      axes,
      architecture,
      ...values,
    })),
    [
      {
        name: 'edge-old-oslo',
        axes: { image: 'old', site: 'oslo' },
        architecture: 'amd64',
        image: 'old.gz',
        kernel: 'k/old',
        level: 9,
        output: 'out/edge-old-oslo.img',
        settings: { share: '/srv', site: 'oslo' },
      },
      {
        name: 'edge-old-rome',
        axes: { image: 'old', site: 'rome' },
        architecture: 'amd64',
        image: 'old.gz',
        kernel: 'k/old',
        level: 9,
        output: 'out/edge-old-rome.img',
        settings: { share: '/srv', site: 'rome' },
      },
      {
        name: 'edge-new-oslo',
        axes: { image: 'new', site: 'oslo' },
        architecture: 'arm64',
        image: 'new.gz',
        level: 9,
        output: 'out/edge-new-oslo.img',
        settings: { share: '/srv', site: 'oslo', extra: '1' },
      },
      {
        name: 'lone',
        axes: {},
        architecture: undefined,
        image: 'a.gz',
        level: 9,
        output: 'lone/x.img',
        settings: { share: '/srv', site: 'none' },
      },
    ],
  );
  t.deepEqual(
    selectTargets(targets, ['lone', 'edge-new-oslo']).map(({ name }) => name),
    ['edge-new-oslo', 'lone'],
  );
  t.throws(() => selectTargets(targets, ['loan']), {
    code: 'target-unknown',
    message: /did you mean "lone"/,
  });
});

test('a target with patches of its own need not declare what the file sets for others', async (t) => {
  const [own, same] = await expand(
    t,
    'patches: [a]\nsettings: {x: 1, y: 2}\ntargets: {own: {patches: [b], settings: {y: 3}}, same: {}}\n',
  );
  t.deepEqual([...(own?.configuration.shared ?? [])], ['x']);
  t.is(same?.configuration.shared, undefined);
});

const wrong: Readonly<Record<string, readonly [string, RegExp]>> = {
  'an axis that is not there': [
    `targets: {a: {matrix: {site: [x]}, settings: {s: "\${sit}"}}}`,
    /moby-patch.yaml:1:50: targets.a.settings.s: \$\{sit\} names no axis \(did you mean "site"\?\)/,
  ],
  'an unknown axis in exclude': [
    'targets: {a: {matrix: {site: [x]}, exclude: [{sight: x}]}}',
    /exclude.0.sight: found no such axis/,
  ],
  'an exclude without effect': [
    'targets: {a: {matrix: {site: [x]}, exclude: [{site: y}]}}',
    /found no combination with these values/,
  ],
  'a value twice': ['targets: {a: {matrix: {site: [x, x]}}}', /found the value "x" twice/],
  'two outputs of one name': ['targets: {a: {output: x}, b: {output: x}}', /both a and b write x/],
  'two targets of one name': ['targets: {a-b: {}, a: {matrix: {x: [b]}}}', /the name "a-b" twice/],
  'a name that is none': ['targets: {"ä": {}}', /wanted letters, digits/],
  'too many': [
    `targets: {a: {matrix: {${[...'abcdef'].map((axis) => `${axis}: [1, 2, 3, 4, 5, 6, 7, 8]`).join(', ')}}}}`,
    /found 262144 combinations, wanted at most 100000/,
  ],
  'an unknown option': ['targets: {a: {imgae: x}}', /unknown key "imgae" \(did you mean "image"\?\)/],
};
for (const [what, [text, message]] of Object.entries(wrong))
  test(`${what} is refused at its place`, async (t) => {
    await t.throwsAsync(expand(t, text), { code: 'patch-invalid', message });
  });

test('a file without targets says where they are written', async (t) => {
  await t.throwsAsync(expand(t, 'image: x'), { code: 'targets-missing' });
});
