import { isIP } from 'node:net';
import { z } from 'zod';
import type { Workspace } from '../../../model/patch/workspace.js';
import { combine } from '../../system/text-file.js';
import { findFile, putIfDifferent } from '../../system/workspace-files.js';
import { defineStep } from '../definition.js';
import { hostName } from '../schemas.js';
import { writtenFile } from '../written.js';

const path = 'etc/resolv.conf';

/** MAXNS of glibc's and musl's resolv.h: further ones are not asked. */
const mostServers = 3;

/** Programs that rewrite the file when they get a lease, and what keeps them from it. */
const clients = [
  {
    name: 'dhclient',
    paths: ['sbin/dhclient', 'usr/sbin/dhclient'],
    keep: 'a file in etc/dhcp/dhclient-enter-hooks.d with "make_resolv_conf() { :; }" keeps this one',
  },
  {
    name: 'dhcpcd',
    paths: ['sbin/dhcpcd', 'usr/sbin/dhcpcd'],
    keep: 'the line "nohook resolv.conf" in etc/dhcpcd.conf keeps this one',
  },
  {
    name: 'udhcpc',
    paths: ['usr/share/udhcpc/default.script', 'etc/udhcpc/default.script'],
    keep: 'the line "RESOLV_CONF=no" in etc/udhcpc/udhcpc.conf keeps this one, if the script there reads it',
  },
  {
    name: 'NetworkManager',
    paths: ['usr/sbin/NetworkManager'],
    keep: 'a file in etc/NetworkManager/conf.d with "[main]" and "dns=none" keeps this one',
  },
] as const;

const schema = () =>
  z
    .strictObject({
      nameservers: z
        .array(
          z.string().refine((address) => isIP(address.replace(/%[\w.-]+$/, '')) > 0, {
            error: 'expected an IPv4 or IPv6 address',
          }),
        )
        .min(1, { error: 'expected at least one address' })
        .max(mostServers, { error: `expected at most ${mostServers} addresses: no more are asked` })
        .describe('Addresses of name servers, the first of which is asked first.'),
      search: z.array(hostName).max(32).default([]).describe('Domains in which a short name is looked up.'),
      options: z
        .array(z.string().regex(/^[a-z0-9-]+(:\d+)?$/, { error: 'expected an option such as timeout:1' }))
        .max(32)
        .default([])
        .describe('Options of resolv.conf(5), such as ndots:2.'),
    })
    .describe(`Writes ${path}. A link there, which a service of the running system fills, is replaced.`);

export const resolverStep = defineStep({
  kind: 'resolver',
  schema,
  describe: ({ nameservers }) => `resolver ${nameservers.join(' ')}`,
  needs: () => [],
  reads: () => [path, ...clients.flatMap(({ paths }) => paths)],
  writes: (value) => [writtenFile(path, { content: formatText(value) })],
  async apply(value, _context, workspace) {
    const there = await workspace.stat(path);
    const content = new TextEncoder().encode(formatText(value));
    const outcome = await putIfDifferent(workspace, { path, type: 'file', content });
    const link = there?.type === 'symlink' ? [`it was a link to ${there.target}`] : [];
    return combine([outcome], [...link, ...(await explainClients(workspace))]);
  },
});

async function explainClients(workspace: Workspace): Promise<string[]> {
  const notes: string[] = [];
  for (const { name, paths, keep } of clients) {
    const at = await findFile(workspace, paths);
    if (at === undefined) continue;
    notes.push(`found ${at} in the image: ${name} rewrites ${path} when it gets an address; ${keep}`);
  }
  return notes;
}

function formatText({ nameservers, search, options }: z.output<ReturnType<typeof schema>>): string {
  const lines = [
    ...(search.length > 0 ? [`search ${search.join(' ')}`] : []),
    ...nameservers.map((address) => `nameserver ${address}`),
    ...(options.length > 0 ? [`options ${options.join(' ')}`] : []),
  ];
  return `${lines.join('\n')}\n`;
}
