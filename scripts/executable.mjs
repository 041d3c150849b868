import { chmodSync, existsSync, rmSync, symlinkSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import './copy-assets.mjs';

// A compiler writes no executable bit, and npm links the bins of dependencies only, not a checkout's own:
// with the link, `npx moby-patch` works here as it does where the package is installed.
const program = fileURLToPath(new URL('../dist/cli.js', import.meta.url));
const bins = fileURLToPath(new URL('../node_modules/.bin', import.meta.url));
chmodSync(program, 0o755);
if (existsSync(bins)) {
  rmSync(`${bins}/moby-patch`, { force: true });
  symlinkSync('../../dist/cli.js', `${bins}/moby-patch`);
}
