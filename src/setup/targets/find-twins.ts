import { relative } from 'node:path';
import { listWritten } from '../../io/place/written-files.js';
import { outputOf, type Target } from './target.js';

/** A target with its entry in the file. */
export interface KeyedTarget {
  readonly target: Target;
  readonly key: string;
}

interface Twin {
  readonly key: string;
  readonly text: string;
}

/** Targets of one name, which is that of files, jobs and tags, and those that write one file. */
export function findTwins(targets: readonly KeyedTarget[]): readonly Twin[] {
  const names = new Set<string>();
  const written = new Map<string, string>();
  const twins: Twin[] = [];
  for (const { key, target } of targets) {
    const { name } = target;
    const files = listFiles(target);
    const same = files.find((file) => written.has(file));
    if (names.has(name))
      twins.push({ key, text: `found the name "${name}" twice, wanted it once: name: in this target` });
    else if (same !== undefined) {
      const both = `both ${written.get(same)} and ${name} write ${relative(target.configuration.folder, same)}`;
      twins.push({ key, text: `${both}; \${target} is in the output of each` });
    }
    names.add(name);
    for (const file of files) written.set(file, name);
  }
  return twins;
}

/** Those of the files of a `split` image are known once they are found. */
function listFiles(target: Target): readonly string[] {
  return listWritten({ output: outputOf(target), provenance: true }, []).map(({ path }) => path);
}
