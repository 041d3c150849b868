import { runProcess } from '#src/io/process/process.js';

export const efi = '/usr/share/ovmf/OVMF.fd';
/** The command line of the kernel in these tests. */
export const cmdline = 'console=ttyS0 panic=-1 no_timer_check';

const pc = ['qemu-system-x86_64', '-machine', 'accel=tcg', '-m', '512'];

/** Runs a machine until a line has `text`; returns its last lines if none does. `argv`: arguments of QEMU besides those of the machine. */
export async function waitForText(
  argv: readonly string[],
  text: string,
  machine: readonly string[] = pc,
): Promise<string | undefined> {
  const end = new AbortController();
  const lines: string[] = [];
  const onLine = (line: string) => {
    lines.push(line);
    if (line.includes(text)) end.abort();
  };
  const quiet = ['-display', 'none', '-no-reboot', '-nodefaults', '-serial', 'stdio'];
  const command = [...machine, ...quiet, ...argv];
  await runProcess(command, { signal: end.signal, timeout: 600, onLine }).catch(() => {});
  return end.signal.aborted ? undefined : lines.slice(-30).join('\n');
}
