// `[    T1]`: CONFIG_PRINTK_CALLER.
const kernelMessage = /\[ *\d+\.\d{6}\](?:\[ *[TC]\d+\])? /;

export interface Mender {
  /** The whole line when this is the last part of a torn one; otherwise undefined. */
  mend(line: string): string | undefined;
  /** The parts of a line whose last part has not come yet. */
  torn(): string;
}

/** The kernel and the probe write into a program's line: `Loading ...[   10.4] ACPI: on`, then ` [ ok ]`. */
export function createMender(ownMarker: string): Mender {
  let torn = '';
  return {
    mend(line) {
      const kernel = line.search(kernelMessage);
      const at = kernel < 0 ? line.indexOf(ownMarker) : kernel;
      if (at === 0) return undefined;
      const whole = torn + line;
      torn = at < 0 ? '' : torn + line.slice(0, at);
      return at < 0 && whole !== line ? whole : undefined;
    },
    torn: () => torn,
  };
}
