import { copyFileSync, existsSync, readdirSync, rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

// The compiler copies nothing: shell scripts go to the folder of the module that reads them.
const source = fileURLToPath(new URL('../src/', import.meta.url));
const target = fileURLToPath(new URL('../dist/', import.meta.url));
const list = (folder) =>
  readdirSync(folder, { recursive: true }).filter((name) => /\.(sh|bash|zsh|fish)$/.test(name));
for (const name of list(source)) copyFileSync(source + name, target + name);
for (const name of list(target)) if (!existsSync(source + name)) rmSync(target + name);
