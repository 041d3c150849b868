import type { Expectation } from '../../../model/result/expectation.js';

/** The probe's report where the init system names failed services on the console alone. */
const namedOnConsole = 'none was named on the console';

/** With and without the colours and the tags of lsb-base (log_failure_msg). */
const failure = /startpar: service\(s\) returned failure: ([\w.@+ -]+?)(?: \.\.\. .*)?$/;

export interface FailedServices {
  seeLine(line: string): void;
  /** Printed names that may not fail, in their order; `report`: what the probe found. */
  refusedBy(expectation: Expectation | undefined, report: string | undefined): readonly string[];
}

/**
 * sysvinit keeps no list of failed services. Debian's rc prints their names once the scripts of a runlevel have ended (/lib/init/rc of
 * sysv-rc); with `concurrency=none` it prints nothing. Their scripts have a link S01NAME and no other name.
 */
export function watchFailedServices(): FailedServices {
  const names = new Set<string>();
  return {
    seeLine(line) {
      for (const name of failure.exec(line)?.[1]?.split(/ +/) ?? []) if (name !== '') names.add(name);
    },
    refusedBy(expectation, report) {
      if (expectation === undefined || !('no-failed-services' in expectation)) return [];
      if (!expectation['no-failed-services'] || report !== namedOnConsole) return [];
      return [...names].filter((name) => !expectation.except?.includes(name));
    },
  };
}
