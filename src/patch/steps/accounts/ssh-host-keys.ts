import { z } from 'zod';
import type { Workspace } from '../../../model/patch/workspace.js';
import { initSystems, requireInit } from '../../system/init/find-init.js';
import type { At, ServiceDefinition } from '../../system/init/init-system.js';
import { createStepError } from '../../system/step-context.js';
import { combine } from '../../system/text-file.js';
import { findFile } from '../../system/workspace-files.js';
import { defineStep } from '../definition.js';

const schema = () =>
  z
    .literal('first-boot', { error: 'expected "first-boot"' })
    .describe(
      'Takes the host keys of OpenSSH out of the image, and lets each machine make its own before its SSH server starts: a service ssh-host-keys.',
    );

const folder = 'etc/ssh';
const isKey = (name: string) => /^ssh_host_[a-z0-9_]*key(\.pub)?$/.test(name);

export const sshHostKeysStep = defineStep({
  kind: 'ssh-host-keys',
  schema,
  describe: (when) => `ssh-host-keys ${when}`,
  needs: () => [],
  reads: () => [folder, ...programs],
  becomes(_, name) {
    const init = initSystems[name];
    return [init.pathOf('ssh-host-keys'), init.describeStart(createService('usr/bin/ssh-keygen'))];
  },
  async apply(_, context, workspace) {
    const init = await requireInit('ssh-host-keys', context, workspace);
    const at = { workspace, context };
    const service = createService(await requireProgram(at));
    const removed = await removeKeys(workspace);
    const notes = removed.length > 0 ? [`removed ${removed.join(', ')}`] : [];
    const outcomes = [await init.define(service, at), await init.enable(service, at)];
    return combine([...outcomes, { changed: removed.length > 0 }], notes);
  },
});

const programs = ['usr/bin/ssh-keygen', 'bin/ssh-keygen', 'usr/local/bin/ssh-keygen'];

async function requireProgram({ workspace, context }: At): Promise<string> {
  const program = await findFile(workspace, programs);
  if (program !== undefined) return program;
  throw createStepError(
    context,
    'ssh-keygen-missing',
    `ssh-host-keys: found no ${programs[0]} in the image, wanted OpenSSH`,
    { hint: 'a "package" step before this one installs it; dropbear makes its keys by itself with -R' },
  );
}

function createService(program: string): ServiceDefinition {
  return {
    name: 'ssh-host-keys',
    description: 'Makes the host keys of this machine that are missing.',
    command: [`/${program}`, '-A'],
    type: 'once',
    restart: false,
    runlevel: 'default',
    environment: {},
    needs: [],
    after: ['filesystems'],
    before: ['ssh', 'sshd'],
  };
}

async function removeKeys(workspace: Workspace): Promise<string[]> {
  const keys = (await workspace.list(folder)).filter(isKey);
  for (const name of keys) await workspace.remove(`${folder}/${name}`);
  return keys;
}
