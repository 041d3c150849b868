import { runProcess } from '#src/io/process/process.js';

export const efi = '/usr/share/ovmf/OVMF.fd';
/** The command line of the kernel in these tests. */
export const cmdline = 'console=ttyS0 panic=-1 no_timer_check';

/** Runs a machine until a line has `text`; returns its last lines if none does. `argv`: arguments of QEMU besides those of the machine. */
export async function waitForText(argv: readonly string[], text: string): Promise<string | undefined> {
  const machine = ['-machine', 'accel=tcg', '-m', '512', '-display', 'none', '-no-reboot', '-nodefaults'];
  const end = new AbortController();
  const lines: string[] = [];
  const onLine = (line: string) => {
    lines.push(line);
    if (line.includes(text)) end.abort();
  };
  const command = ['qemu-system-x86_64', ...machine, '-serial', 'stdio', ...argv];
  await runProcess(command, { signal: end.signal, timeout: 600, onLine }).catch(() => {});
  return end.signal.aborted ? undefined : lines.slice(-30).join('\n');
}
