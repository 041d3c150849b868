import type { Workspace } from '../../../model/patch/workspace.js';
import { readText } from '../workspace-files.js';

/** What an init script says of itself in the comment of LSB 5, "Comment Conventions for Init Scripts". */
export interface ScriptFacts {
  /** Its own names. */
  readonly provides: readonly string[];
  readonly startAfter: readonly string[];
  readonly startBefore: readonly string[];
  /** It is stopped before these. */
  readonly stopBefore: readonly string[];
  readonly stopAfter: readonly string[];
  /** Undefined: it does not say. */
  readonly startLevels?: readonly string[] | undefined;
  readonly stopLevels?: readonly string[] | undefined;
}

/** `name`: of the script, which provides it as well. */
export async function readFacts(workspace: Workspace, path: string, name: string): Promise<ScriptFacts> {
  return parseFacts((await readText(workspace, path)) ?? '', name);
}

/** Two searches, for one pattern would look for the end behind each beginning. */
function findHeader(text: string): string {
  const begin = /^### BEGIN INIT INFO\b.*\n/m.exec(text);
  if (begin === null) return '';
  const rest = text.slice(begin.index + begin[0].length);
  const end = rest.search(/^### END INIT INFO/m);
  return end < 0 ? '' : rest.slice(0, end);
}

/** @internal */
export function parseFacts(text: string, name: string): ScriptFacts {
  const header = findHeader(text);
  const fields = new Map<string, string[]>();
  for (const [, key = '', value = ''] of header.matchAll(/^#[ \t]*([A-Za-z-]+):[ \t]*(.*)$/gm))
    fields.set(
      key.toLowerCase(),
      value.split(/\s+/).filter((word) => word !== ''),
    );
  const words = (...keys: string[]) => keys.flatMap((key) => fields.get(key) ?? []);
  return {
    // insserv takes the name of mountall.sh for mountall.
    provides: [...new Set([...words('provides'), name, name.replace(/\.sh$/, '')])],
    startAfter: words('required-start', 'should-start'),
    startBefore: words('x-start-before'),
    stopBefore: words('required-stop', 'should-stop'),
    stopAfter: words('x-stop-after'),
    startLevels: fields.get('default-start'),
    stopLevels: fields.get('default-stop'),
  };
}

/** Debian's /etc/insserv.conf, for an image without one. */
const usualFacilities = `
$local_fs mountall mountall-bootclean mountoverflowtmp umountfs
$network networking ifupdown network
$named named dnsmasq lwresd bind9 unbound $network
$remote_fs $local_fs mountnfs mountnfs-bootclean umountnfs sendsigs
$syslog rsyslog sysklogd syslog-ng inetutils-syslogd syslog
$time hwclock
$portmap rpcbind portmap
`;

/** Finds the names of scripts that a word of a header stands for. */
export async function readFacilities(workspace: Workspace): Promise<(word: string) => readonly string[]> {
  const files = ['etc/insserv.conf'];
  for (const name of await workspace.list('etc/insserv.conf.d')) files.push(`etc/insserv.conf.d/${name}`);
  const texts = await Promise.all(files.map(async (path) => (await readText(workspace, path)) ?? ''));
  const lines = [usualFacilities, ...texts].join('\n').split('\n');
  const members = new Map<string, readonly string[]>();
  for (const line of lines) {
    const [name = '', ...words] = line.trim().split(/\s+/);
    if (!name.startsWith('$')) continue;
    const more = words.map((word) => word.replace(/^\+/, ''));
    members.set(name, [...new Set([...(members.get(name) ?? []), ...more])]);
  }
  const expand = (word: string, seen: readonly string[]): readonly string[] => {
    if (!word.startsWith('$')) return [word];
    if (seen.includes(word)) return [];
    return (members.get(word) ?? []).flatMap((each) => expand(each, [...seen, word]));
  };
  return (word) => expand(word, []);
}
