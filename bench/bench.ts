import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { prepareInputs } from './inputs.js';
import { measure, shell } from './measure.js';
import { type MeasuredRow, renderResults } from './results.js';
import { listRows } from './rows.js';

const { values } = parseArgs({
  options: {
    runs: { type: 'string', default: '5' },
    /** Ids of rows with commas between; all of them are written to RESULTS.md only when none is left out. */
    only: { type: 'string' },
  },
});
const runs = Number(values.runs);
const inputs = await prepareInputs(resolve('build/cache'));
const folder = await mkdtemp(join(tmpdir(), 'moby-patch-bench-'));
try {
  const environment = {
    MOBY_PATCH_CACHE: join(folder, 'cache'),
    PATH: `${process.env.PATH}:/usr/sbin:/sbin`,
  };
  for (const name of ['first', 'second']) {
    await mkdir(join(folder, name));
    await writeFile(
      join(folder, name, 'patch.yaml'),
      `title: one file\nsteps:\n  - file: {path: etc/${name}, content: "${name}\\n"}\n`,
    );
  }
  const only = values.only?.split(',');
  const rows = listRows(inputs, `node ${resolve('dist/cli.js')}`).filter(
    ({ id, docker }) => (only?.includes(id) ?? true) && (!docker || process.env.DOCKER_HOST !== undefined),
  );
  const measured: MeasuredRow[] = [];
  for (const row of rows) {
    console.error(row.work);
    measured.push({ row, measured: await measure(row.contenders, runs, folder, environment) });
  }
  const text = renderResults(measured, runs, await listPrograms(folder));
  process.stdout.write(text);
  if (only === undefined) await writeFile(resolve('bench/RESULTS.md'), text);
} finally {
  await rm(folder, { recursive: true, force: true });
}

async function listPrograms(at: string): Promise<string> {
  const packages = 'libarchive-tools initramfs-tools-core cpio gzip pigz libdeflate-tools';
  return (await shell(`dpkg-query -W -f '\${Package} \${Version}\\n' ${packages}`, at, {})).trim();
}
