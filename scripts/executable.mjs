import { chmodSync, existsSync, rmSync, symlinkSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { bundle } from './bundle.mjs';
// What the compiler leaves out: the scripts beside the modules, and the bit and the link below.
import './copy-assets.mjs';

// The compiler sets no executable bit, and npm links the bins of dependencies, not those of a checkout. The link lets
// `npx moby-patch` work here as it does where the package is installed.
const program = fileURLToPath(new URL('../dist/cli.js', import.meta.url));
const bins = fileURLToPath(new URL('../node_modules/.bin', import.meta.url));
chmodSync(program, 0o755);
if (existsSync(bins)) {
  rmSync(`${bins}/moby-patch`, { force: true });
  symlinkSync('../../dist/cli.js', `${bins}/moby-patch`);
}
await bundle();
