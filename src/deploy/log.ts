import { appendFile, mkdir, rename, stat } from 'node:fs/promises';
import { dirname } from 'node:path';

/** Bytes at which a log becomes `log.1`, in the place of the one before. */
const limit = 1024 * 1024;

/** One line with the time; what nobody watches (cron, launchd, systemd) is told here. */
export async function writeLog(path: string, line: string, now = new Date()): Promise<void> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  const { size } = await stat(path).catch(() => ({ size: 0 }));
  if (size > limit) await rename(path, `${path}.1`);
  await appendFile(path, `${now.toISOString()} [${process.pid}] ${line.replaceAll('\n', ' ')}\n`);
}
