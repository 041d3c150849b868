import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { encodePadding, encodeRecord, encodeTrailer } from '#src/format/cpio-writer.js';
import { encodePath } from '#src/format/path.js';
import type { ArchiveRecord } from '#src/model/layout.js';
import { type ModelNode, runKernel } from '../tree/kernel-model.js';
import { createRecords, sequences, type Wanted } from '../tree/kernel-records.js';
import { bootTest, createInit, withBench } from './tiny-guest.js';
import { createTinyArchive } from './tiny-image.js';

const seed = Number(process.env.KERNEL_MODEL_SEED ?? 1);
const scenarios = Number(process.env.KERNEL_MODEL_SCENARIOS ?? 300);

/** Each sequence in a folder of its own, with inodes of its own. */
function createScenarios(): (ArchiveRecord | undefined)[] {
  const wanted = fc.sample(sequences, { seed, numRuns: scenarios }).flatMap((sequence, index) => {
    const folder = `s${String(index).padStart(3, '0')}`;
    // A file's record that links to what is a fifo or device by then makes a kernel write into that.
    const hasNodes = sequence.some((one) => [0o01, 0o02, 0o06].includes(((one?.mode ?? 0) >> 12) & 0o17));
    const inside = sequence.flatMap((one): (Wanted | undefined)[] => {
      if (one === undefined) return [undefined];
      // `..` leads out of the folder: not to what the guest itself needs.
      if (/dev|root|console/.test(`${one.name} ${one.target}`) || one.name.length > 4000) return [];
      // The console does not carry bytes that are no text.
      const [name = '', target = ''] = [one.name, one.target].map((text) => text?.replaceAll('\udcff', 'x'));
      const ino = index * 10 + (one.ino ?? 0);
      const nlink = hasNodes ? 1 : (one.nlink ?? 1);
      return [
        { ...one, name: `${folder}/${name}`, ino, nlink, ...(one.target === undefined ? {} : { target }) },
      ];
    });
    return [{ name: folder, mode: 0o040755, mtime: 77 }, ...inside];
  });
  return createRecords(wanted);
}

function encodeScenario(record: ArchiveRecord | undefined): Uint8Array {
  if (record === undefined) return encodeTrailer();
  const { header, name, target, index } = record;
  const body = Buffer.from(
    target === undefined ? bodyOf(index).slice(0, header.filesize) : encodePath(target),
  );
  const bytes = header.filesize > 4095 ? Buffer.alloc(header.filesize, 'x') : body;
  const raw = name.length === 0 ? Buffer.alloc(0) : encodePath(name).subarray(0, 4095);
  return Buffer.concat([encodeRecord({ ...header }, raw), bytes, encodePadding(bytes.length)]);
}

const bodyOf = (index: number) => String(index).padStart(5, '0');

const dump = `find / -xdev -path '/s[0-9]*' -exec stat -c '@%n|%f|%u:%g|%Y|%t:%T|%i' {} +
find / -xdev -path '/s[0-9]*' -type l -exec sh -c 'for f; do echo "@T$f|$(readlink "$f")"; done' x {} +
find / -xdev -path '/s[0-9]*' -type f -exec sh -c 'for f; do echo "@B$f|$(cat "$f")"; done' x {} +
echo scenarios done`;

bootTest('the model of the kernel does what a kernel does', (t) =>
  withBench(t, async ({ folder, boot }) => {
    const records = createScenarios();
    const image = join(folder, 'image');
    const more = ['find', 'stat', 'readlink'].map((name) => ({
      path: `bin/${name}`,
      type: 'symlink' as const,
      body: 'busybox',
    }));
    const base = await createTinyArchive(createInit(dump), more);
    await writeFile(image, Buffer.concat([base, ...records.map(encodeScenario)]));
    const result = await boot(image, { expects: [{ console: 'scenarios done' }], timeout: 300, memory: 512 });
    t.is(result.verdict, 'passed', result.reason);
    const console = await readFile(join(folder, 'console.log'));
    const real = parseDump(console);
    const model = describe(runKernel(records));
    const differences = [...new Set([...real.keys(), ...model.keys()])].filter(
      (path) => !isSame(real.get(path), model.get(path)),
    );
    t.log(`seed ${seed}: ${records.length} records, ${real.size} paths, ${differences.length} differences`);
    for (const path of differences.slice(0, 40))
      t.log(`${path}\n kernel ${real.get(path)}\n model  ${model.get(path)}`);
    t.true(real.size > scenarios);
    t.deepEqual(differences, []);
  }),
);

function describe(nodes: Map<string, ModelNode>): Map<string, string> {
  const first = new Map<object, string>();
  const letters = { file: 8, directory: 4, symlink: 10, character: 2, block: 6, fifo: 1, socket: 12 };
  return new Map(
    [...nodes]
      .filter(([path]) => /^s\d/.test(path))
      .sort(([one], [other]) => (one < other ? -1 : 1))
      .map(([path, node]) => {
        if (!first.has(node)) first.set(node, path);
        const body =
          node.data === undefined ? '' : bodyOf(node.data.index).slice(0, node.data.header.filesize);
        const shown = node.type === 'symlink' ? node.target : body;
        const mode = ((letters[node.type] << 12) | node.mode).toString(16);
        const device =
          node.device
            .split(':')
            .map((part) => Number(part || 0).toString(16))
            .join(':') || '0:0';
        return [
          latin(path),
          `${mode}|${node.uid}:${node.gid}|${node.mtime}|${node.device === '' ? '0:0' : device}|${latin(first.get(node) ?? '')}|${latin(shown).slice(0, 60)}`,
        ];
      }),
  );
}

/** The kernel's own time on a directory whose name leads elsewhere in the end is not foreseen. */
function isSame(real = '', model = ''): boolean {
  if (real === model) return true;
  const [one, other] = [real.split('|'), model.split('|')];
  return Number(one[2]) > 1000 && one.toSpliced(2, 1).join() === other.toSpliced(2, 1).join();
}

const latin = (text: string) => Buffer.from(encodePath(text)).toString('latin1');

function parseDump(console: Buffer): Map<string, string> {
  const lines = console.toString('latin1').split(/\r*\n/);
  const texts = new Map(
    lines
      .filter((line) => /^@[TB]/.test(line))
      .map((line) => {
        const at = line.indexOf('|');
        return [line.slice(3, at), line.slice(at + 1)];
      }),
  );
  const stats = lines.filter((line) => line.startsWith('@/')).map((line) => line.slice(2).split('|'));
  const sorted = stats.sort(([one = ''], [other = '']) => (one < other ? -1 : 1));
  const first = new Map<string, string>();
  return new Map(
    sorted.map(([path = '', mode = '', ids = '', mtime = '', device = '', inode = '']) => {
      if (!first.has(inode)) first.set(inode, path);
      return [
        path,
        `${mode}|${ids}|${mtime}|${device}|${first.get(inode)}|${(texts.get(path) ?? '').slice(0, 60)}`,
      ];
    }),
  );
}
