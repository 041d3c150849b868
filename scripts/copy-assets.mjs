import { copyFileSync, existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';

// The compiler copies nothing: shell scripts, programs for guests and modules of WebAssembly, with their licence, go to the folder of the
// module that reads them.
const assets = /\.(?:sh|bash|zsh|fish|wasm|elf)$|(?:^|\/)(?:COPYING|LICENSE)$/;
const source = fileURLToPath(new URL('../src/', import.meta.url));
const target = fileURLToPath(new URL('../dist/', import.meta.url));
const list = (folder) => readdirSync(folder, { recursive: true }).filter((name) => assets.test(name));
for (const name of list(source)) {
  // A folder without modules has no place there yet.
  mkdirSync(dirname(target + name), { recursive: true });
  copyFileSync(source + name, target + name);
}
for (const name of list(target)) if (!existsSync(source + name)) rmSync(target + name);
