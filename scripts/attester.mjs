// `npm run attester`: compiles src/verify/boot/attest/attester.c for each architecture and compares the programs with the
// committed ones. `--write` replaces the committed ones.
import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { root } from './install.mjs';

// GCC 12.2.0, of Debian 12. Another compiler makes other programs that do the same.
const compilers = { x86_64: 'gcc', aarch64: 'aarch64-linux-gnu-gcc' };
const own = { x86_64: ['-fcf-protection=none'], aarch64: ['-mgeneral-regs-only', '-mno-outline-atomics'] };
const options = [
  ...['-O2', '-Wall', '-Wextra', '-Werror'],
  ...['-ffreestanding', '-nostdlib', '-static', '-fno-pic', '-no-pie'],
  ...['-fno-stack-protector', '-fno-asynchronous-unwind-tables'],
  ...['-Wl,--build-id=none', '-Wl,-z,norelro', '-Wl,-z,noseparate-code', '-Wl,-z,max-page-size=4096', '-s'],
];

const folder = join(root, 'src/verify/boot/attest');
const scratch = mkdtempSync(join(tmpdir(), 'attester-'));
try {
  for (const [architecture, compiler] of Object.entries(compilers)) {
    const name = `attester-${architecture}.elf`;
    const made = join(scratch, name);
    const argv = [...options, ...own[architecture], '-o', made, 'attester.c'];
    const { status, error } = spawnSync(compiler, argv, { cwd: folder, stdio: 'inherit' });
    if (error !== undefined || status !== 0) {
      console.error(
        `${compiler} ${error?.message ?? `ended with ${status}`}; Debian 12 has gcc and gcc-aarch64-linux-gnu`,
      );
      process.exitCode = 1;
      continue;
    }
    const kept = join(folder, name);
    if (process.argv.includes('--write')) copyFileSync(made, kept);
    else if (!existsSync(kept) || !readFileSync(made).equals(readFileSync(kept))) {
      console.error(`${name} differs from the committed one: npm run attester -- --write`);
      process.exitCode = 1;
    } else console.log(`${name} is what attester.c gives`);
  }
} finally {
  rmSync(scratch, { recursive: true, force: true });
}
