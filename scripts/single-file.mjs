// `npm run single-file -- OUTPUT [NODE]`: an executable of the program with Node inside, for machines that have none (Node's single
// executable applications). NODE is the binary that goes in; default: the one that runs this.

import { createHash } from 'node:crypto';
import {
  chmodSync,
  copyFileSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { gzipSync } from 'node:zlib';
import { compile, installReleaseTools, root, run } from './install.mjs';

const [output, node = process.execPath] = process.argv.slice(2);
if (output === undefined) {
  console.error('found no output; type: npm run single-file -- moby-patch');
  process.exit(2);
}

/** Types and pages are for readers. */
const unused = /\.d\.ts$|^package\/(?:docs|examples|bench|\.github)\//;

const work = mkdtempSync(join(tmpdir(), 'single-file-'));
try {
  compile();
  installReleaseTools();
  run('npm', ['pack', '--silent', '--ignore-scripts', '--pack-destination', work]);
  // The joined program needs no other package.
  run('tar', ['-C', work, '-xzf', join(work, readdirSync(work)[0])]);
  const program = packProgram('package');
  writeFileSync(join(work, 'program'), program);
  writeFileSync(join(work, 'digest'), createHash('sha256').update(program).digest('hex').slice(0, 16));
  writeFileSync(
    join(work, 'sea.json'),
    JSON.stringify({
      main: join(root, 'scripts/release/start.cjs'),
      output: join(work, 'blob'),
      disableExperimentalSEAWarning: true,
      assets: { program: join(work, 'program'), digest: join(work, 'digest') },
    }),
  );
  // Node reads only a blob that its own version wrote.
  run(node, ['--experimental-sea-config', join(work, 'sea.json')], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const made = `${resolve(output)}.part`;
  copyFileSync(node, made);
  chmodSync(made, 0o755);
  inject(made, join(work, 'blob'));
  renameSync(made, resolve(output));
  console.log(`${output}: ${statSync(output).size} bytes, ${program.length} of them the program`);
} finally {
  rmSync(work, { recursive: true, force: true });
}

/** What `scripts/release/start.cjs` reads. */
function packProgram(folder) {
  const paths = readdirSync(join(work, folder), { recursive: true })
    .map((path) => join(folder, path))
    .filter((path) => !unused.test(path) && statSync(join(work, path)).isFile())
    .sort();
  const start = Buffer.from("import('./package/dist/cli.js');\n");
  const files = [['start.cjs', start], ...paths.map((path) => [path, readFileSync(join(work, path))])];
  const list = Buffer.from(JSON.stringify(files.map(([path, body]) => [path, body.length])));
  const length = Buffer.alloc(4);
  length.writeUInt32LE(list.length);
  return gzipSync(Buffer.concat([length, list, ...files.map(([, body]) => body)]), { level: 9 });
}

function inject(executable, blob) {
  const postject = join(root, 'scripts/release/node_modules/postject/dist/cli.js');
  // postject flips this fuse in the binary, which tells Node that there is a blob.
  const fuse = ['--sentinel-fuse', 'NODE_SEA_FUSE_fce680ab2cc467b6e072b8b5df1996b2'];
  const mac = process.platform === 'darwin';
  if (mac) run('codesign', ['--remove-signature', executable]);
  const segment = mac ? ['--macho-segment-name', 'NODE_SEA'] : [];
  run(process.execPath, [postject, executable, 'NODE_SEA_BLOB', blob, ...fuse, ...segment], {
    stdio: ['ignore', 'ignore', 'ignore'],
  });
  if (mac) run('codesign', ['--sign', '-', executable]);
}
