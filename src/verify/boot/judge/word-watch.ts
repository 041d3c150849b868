/** What programs print that explains a boot, and decides nothing. */
export interface WordWatch {
  see(line: string): void;
  /** The last few lines in which programs name something (a service, an absolute path), without those of an init system about its own work. */
  mentions(name: string): readonly string[];
  /** The last few lines of programs, without those of an init system about its own work. */
  lastWords(): readonly string[];
  /** The first few lines in which systemd tells of units that failed, and of those that needed them. */
  failures(): readonly string[];
}

/** Lines that are kept, each cut at `longestLine`. */
const mostKept = 2000;
const longestLine = 200;
const mostWords = 3;
/** OpenRC leaves the line open in which it starts a service, and what the service prints follows. */
const opened = /^\s*\* .*? \.\.\.(?=[^\s[])/;
/** Lines of systemd and OpenRC that start and end services. */
const ownWork = /^\s*(?:\[|\* |Starting |Stopping |See )/;
/** With their texts in brackets (systemd, src/core/unit.c and job.c). */
const failure = /^\[(?:FAILED| TIME |DEPEND)\] /;

export function watchWords(): WordWatch {
  const kept: string[] = [];
  const failures: string[] = [];
  return {
    see(raw) {
      if (failures.length < mostWords && failure.test(raw)) failures.push(raw.slice(0, longestLine));
      const line = raw.replace(opened, '');
      if (line === '' || ownWork.test(line)) return;
      kept.push(line.slice(0, longestLine));
      if (kept.length > mostKept) kept.shift();
    },
    mentions(name) {
      const between = name.startsWith('/') ? /[\s'"`:;,()[\]<>]+/ : /[^\w@.-]+/;
      return kept.filter((line) => line.split(between).includes(name)).slice(-mostWords);
    },
    lastWords: () => kept.slice(-mostWords),
    failures: () => [...failures],
  };
}
