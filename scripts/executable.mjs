import { chmodSync } from 'node:fs';

// A compiler writes no executable bit, and `npm ci` links the bin before anything could set it.
chmodSync(new URL('../dist/cli.js', import.meta.url), 0o755);
