import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { prepareInputs } from './inputs.js';
import { measure, type Place, runShell } from './measure.js';
import { type MeasuredRow, renderResults } from './results.js';
import { listRows } from './rows.js';

const { values } = parseArgs({
  options: {
    runs: { type: 'string', default: '5' },
    /** Ids of rows, separated by commas. RESULTS.md is written only by a run of all rows. */
    only: { type: 'string' },
  },
});
const runs = Number(values.runs);
const inputs = await prepareInputs(resolve('build/cache'));
const folder = await mkdtemp(join(tmpdir(), 'moby-patch-bench-'));
try {
  const place: Place = {
    folder,
    environment: {
      MOBY_PATCH_CACHE: join(folder, 'cache'),
      PATH: `${process.env.PATH}:/usr/sbin:/sbin`,
    },
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
    measured.push({ row, measured: await measure(row.contenders, runs, place) });
  }
  const text = renderResults({ rows: measured, runs, programs: await listPrograms(place) });
  process.stdout.write(text);
  if (only === undefined) await writeFile(resolve('bench/RESULTS.md'), text);
} finally {
  await rm(folder, { recursive: true, force: true });
}

async function listPrograms(place: Place): Promise<string[]> {
  const packages = 'libarchive-tools initramfs-tools-core cpio gzip pigz libdeflate-tools';
  const output = await runShell(`dpkg-query -W -f '\${Package} \${Version}\\n' ${packages}`, place);
  return output.trim().split('\n');
}
