// The first script of the single file (`npm run single-file`): it writes the program, which is inside as an asset, into a folder of the
// cache, once for each version, and runs it there. Workers, guests' scripts and patches are files that way, as in the package.
'use strict';
const {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  renameSync,
  rmSync,
  writeFileSync,
} = require('node:fs');
const { createRequire } = require('node:module');
const { homedir, tmpdir } = require('node:os');
const { dirname, join } = require('node:path');
const { getAsset, getRawAsset } = require('node:sea');
const { gunzipSync } = require('node:zlib');

createRequire(join(findProgram(), 'start.cjs'))('./start.cjs');

/** A folder with the program: in the cache if no other user can write there, else a temporary one until the process ends. */
function findProgram() {
  const parent = join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'moby-patch', 'program');
  const place = join(parent, getAsset('digest', 'utf8'));
  try {
    if (existsSync(place) && isOwn(place)) return place;
    mkdirSync(parent, { recursive: true, mode: 0o700 });
    if (!isOwn(parent)) return writeAside();
    const unfinished = mkdtempSync(join(parent, 'part-'));
    try {
      writeProgram(unfinished);
      renameSync(unfinished, place);
    } catch (error) {
      // Another process may have been faster.
      if (!existsSync(place)) throw error;
    } finally {
      rmSync(unfinished, { recursive: true, force: true });
    }
    return isOwn(place) ? place : writeAside();
  } catch {
    return writeAside();
  }
}

function writeAside() {
  const folder = mkdtempSync(join(tmpdir(), 'moby-patch-'));
  process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
  writeProgram(folder);
  return folder;
}

/** Whether nobody but this user and root can put other files there: with `sudo`, the home may be another user's. */
function isOwn(folder) {
  if (process.geteuid === undefined) return true;
  for (let path = folder; ; path = dirname(path)) {
    const { uid, mode } = lstatSync(path);
    const isShared = (mode & 0o022) !== 0 && (mode & 0o1000) === 0;
    if (isShared || (uid !== process.geteuid() && uid !== 0)) return false;
    if (path === dirname(path)) return true;
  }
}

/** The asset: a length (le32), a list of paths and sizes as JSON, the files one behind the other; all compressed by gzip. */
function writeProgram(folder) {
  const bytes = gunzipSync(Buffer.from(getRawAsset('program')));
  let at = 4 + bytes.readUInt32LE(0);
  for (const [path, size] of JSON.parse(bytes.subarray(4, at).toString())) {
    const file = join(folder, path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, bytes.subarray(at, at + size));
    at += size;
  }
}
