import { quoteWord, readScript } from '../../io/script.js';

/** An OpenRC service that mounts one line of /etc/fstab. */
export interface MountService {
  readonly source: string;
  readonly target: string;
  /** Options on top of those in /etc/fstab. */
  readonly options: string;
  readonly needs: readonly string[];
  readonly before: readonly string[];
  /** Seconds for which it delays the boot at most. */
  readonly timeout: number;
  /** Seconds of one attempt at most. */
  readonly attempt: number;
}

/**
 * The init script, for busybox sh and dash. It measures time by /proc/uptime because the clock is set while the
 * system boots. A mount that hangs in the kernel cannot be waited for, not even after SIGKILL: the script looks for
 * its exit code in a file and never uses `wait`.
 */
export function createMountScript(service: MountService): string {
  const values: Readonly<Record<string, string>> = {
    description: quoteWord(`Mounts ${service.source} on ${service.target}.`),
    source: quoteWord(service.source),
    target: quoteWord(service.target),
    limit: String(service.timeout),
    attempt: String(service.attempt),
    depend: listDependencies(service)
      .map((line) => `\t${line}`)
      .join('\n'),
    options: service.options === '' ? '' : `-o ${service.options} `,
  };
  // The values stand in the file itself: it is part of the patched image, whose bytes must not change.
  const script = readScript(new URL('./mount-service.sh', import.meta.url));
  return script.replace(/@(\w+)@/g, (name, key: string) => values[key] ?? name);
}

function listDependencies({ needs, before }: MountService): string[] {
  return [
    ...(needs.length > 0 ? [`need ${needs.join(' ')}`] : []),
    // "need net" fails for good where no service provides net, and "want" is unknown to OpenRC 0.21.
    'use net dns logger',
    'after firewall net',
    ...(before.length > 0 ? [`before ${before.join(' ')}`] : []),
  ];
}
