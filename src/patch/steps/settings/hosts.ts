import { isIP } from 'node:net';
import { z } from 'zod';
import {
  combine,
  editFile,
  findLineBreak,
  joinLines,
  splitLines,
  type TextLine,
} from '../../system/text-file.js';
import { defineStep } from '../definition.js';
import { hostName } from '../schemas.js';
import { writtenValue } from '../written.js';

const path = 'etc/hosts';

const schema = () =>
  z
    .record(
      z.string().refine((address) => isIP(address) > 0, {
        error: 'expected an IPv4 or IPv6 address, as in hosts: {10.0.2.2: [NAME]}',
      }),
      z.union([
        hostName.transform((name) => [name]),
        z.array(hostName).min(1, { error: 'expected at least one name' }).max(100),
      ]),
    )
    .refine((value) => Object.keys(value).length > 0, { error: 'expected at least one address' })
    .describe(
      'Gives addresses names in etc/hosts. A name goes from other addresses of the same kind: only the first would count.',
    );

export const hostsStep = defineStep({
  kind: 'hosts',
  schema,
  describe: (value) =>
    `hosts ${Object.entries(value)
      .map(([address, names]) => `${address} ${names.join(' ')}`)
      .join(', ')}`,
  needs: () => [],
  reads: () => [path],
  // A name has one address of each kind.
  writes: (value) =>
    Object.entries(value).flatMap(([address, names]) =>
      names.map((name) => writtenValue(path, `${name} (IPv${isIP(address)})`, address)),
    ),
  async apply(value, context, workspace) {
    const edit = (text: string) =>
      Object.entries(value).reduce((written, [address, names]) => putHost(written, address, names), text);
    return combine([await editFile(workspace, context, { path, edit })]);
  },
});

interface Host {
  readonly address: string;
  readonly names: readonly string[];
}

function parseHost(line: string): Host | undefined {
  const [address = '', ...names] = (line.split('#')[0] ?? '').trim().split(/\s+/);
  return isIP(address) > 0 && names.length > 0 ? { address, names } : undefined;
}

function putHost(text: string, address: string, wanted: readonly string[]): string {
  const lines = splitLines(text).flatMap((line) => dropNames(line, address, wanted));
  const at = lines.findIndex((line) => parseHost(line.text)?.address === address);
  const there = lines[at];
  if (there === undefined) {
    const added = { text: `${address}\t${wanted.join(' ')}`, end: findLineBreak(lines) };
    return joinLines([...lines, added]);
  }
  const known = new Set(lines.flatMap((line) => namesOf(line, address)));
  const missing = wanted.filter((name) => !known.has(name));
  if (missing.length === 0) return joinSame(lines, text);
  const [head = '', comment] = splitComment(there.text);
  const filled = `${head.trimEnd()} ${missing.join(' ')}${comment}`;
  return joinLines(lines.with(at, { ...there, text: filled }));
}

/** The text as it was where no line is different, whatever its end is. */
function joinSame(lines: readonly TextLine[], text: string): string {
  const joined = lines.map((line) => line.text + line.end).join('');
  return joined === text ? text : joinLines(lines);
}

function namesOf(line: TextLine, address: string): readonly string[] {
  const host = parseHost(line.text);
  return host?.address === address ? host.names : [];
}

function splitComment(line: string): [string, string] {
  const at = line.indexOf('#');
  return at < 0 ? [line, ''] : [line.slice(0, at), ` ${line.slice(at)}`];
}

/** Without the names that another address of the same family gets. */
function dropNames(line: TextLine, address: string, names: readonly string[]): TextLine[] {
  const host = parseHost(line.text);
  if (host === undefined || host.address === address || isIP(host.address) !== isIP(address)) return [line];
  const kept = host.names.filter((name) => !names.includes(name));
  if (kept.length === host.names.length) return [line];
  if (kept.length === 0) return [];
  return [{ ...line, text: `${host.address}\t${kept.join(' ')}${splitComment(line.text)[1]}` }];
}
