import { z } from 'zod';
import { initNames } from '../../../model/patch/init.js';
import type { StepOutcome } from '../../../model/patch/patch.js';
import { initSystems, requireInit } from '../../system/init/find-init.js';
import type { At, InitSystem, ServiceDefinition } from '../../system/init/init-system.js';
import { createStepError } from '../../system/step-context.js';
import { combine } from '../../system/text-file.js';
import { putIfDifferent } from '../../system/workspace-files.js';
import { defineStep } from '../definition.js';
import {
  accountName,
  environment,
  explainSystemPath,
  imagePath,
  payloadPath,
  serviceName,
  singleLine,
} from '../schemas.js';

const serviceList = (text: string) => z.array(serviceName).default([]).describe(text);
const file = payloadPath.optional();

const schema = () =>
  z
    .strictObject({
      name: serviceName.describe('The name of a service of the image, or of the new one.'),
      runlevel: serviceName
        .default('default')
        .describe('"boot" for before other services, or "default"; with OpenRC any runlevel of the image.'),
      enabled: z.boolean().default(true).describe('Whether the boot starts it.'),
      command: z
        .array(singleLine.min(1))
        .min(1)
        .superRefine(([program = ''], context) => {
          const found = explainSystemPath(program);
          if (found === undefined) return;
          const wanted = 'expected a program with its path: /usr/bin/x';
          const message = program.startsWith('/') ? `${wanted}, found ${found}` : wanted;
          context.addIssue({ code: 'custom', path: [0], message });
        })
        .optional()
        .describe(
          'For a new service: its program, which stays in the foreground, and its arguments. No shell reads it.',
        ),
      type: z
        .enum(['daemon', 'once'])
        .default('daemon')
        .describe('Whether the program stays, or ends by itself: what comes after it then waits for it.'),
      restart: z
        .boolean()
        .default(false)
        .describe(
          'Whether a daemon that ends is started again, a second later; systemd gives up after five ends in ten seconds.',
        ),
      user: accountName.optional().describe('The user that runs it; root by default.'),
      folder: imagePath
        .refine((path) => !/\p{Cc}/u.test(path), { error: 'expected a path without control characters' })
        .optional()
        .describe('The working directory; / by default.'),
      environment: environment
        .refine((value) => Object.values(value).every((text) => /^[^\p{Cc}]*$/u.test(text)), {
          error: 'expected values without line breaks and control characters',
        })
        .default({})
        .describe('Its variables.'),
      needs: serviceList('Services, without which it does not start, or names of the table below.'),
      after: serviceList(
        'Services, or names of the table below, that start before it if the boot starts them.',
      ),
      before: serviceList('Services that start after it.'),
      description: singleLine.min(1).optional().describe('One line for people.'),
      from: z
        .strictObject({ openrc: file, systemd: file, sysvinit: file, busybox: file })
        .optional()
        .describe(
          'Files of the patch folder: a script or unit for an init system, instead of what "command" gives.',
        ),
    })
    .superRefine((value, context) => {
      if (value.command !== undefined) return;
      const given = (key: keyof typeof value) => {
        const each = value[key];
        return Array.isArray(each) ? each.length > 0 : Object.keys(Object(each)).length > 0;
      };
      const keys = ['needs', 'after', 'before', 'environment'] as const;
      const texts = ['user', 'folder', 'description'] as const;
      const wrong = [
        ...keys.filter(given),
        ...texts.filter((key) => value[key] !== undefined),
        ...(value.restart ? ['restart'] : []),
        ...(value.type === 'once' ? ['type'] : []),
      ];
      for (const key of wrong)
        context.addIssue({ code: 'custom', path: [key], message: `expected "command" beside "${key}"` });
    })
    .describe(
      'Enables or disables a service at boot, with the init system that the image has. "command" makes a new service.',
    );

export type Service = z.output<ReturnType<typeof schema>>;

export const serviceStep = defineStep({
  kind: 'service',
  schema,
  describe: ({ name, enabled, runlevel, command }) => {
    const what = command === undefined ? `service ${name}` : `service ${name}: ${command.join(' ')},`;
    return `${what} ${enabled ? 'in' : 'out of'} runlevel ${runlevel}`;
  },
  needs: () => [],
  reads: (value) => [
    ...new Set(Object.values(initSystems).map((init) => init.pathOf(value.name))),
    `etc/runlevels/${value.runlevel}/${value.name}`,
    ...(value.command === undefined ? [] : [value.command[0]?.slice(1) ?? '']),
  ],
  payload: ({ from = {} }) =>
    Object.values(from).flatMap((name) => (name === undefined ? [] : [{ name, template: false }])),
  // Enabling one that is there is no writing: the last step that says so decides.
  writes: ({ enabled: _, runlevel: __, name, from = {}, ...service }, { payload }) => {
    const files = Object.entries(from).map(([init, file = '']) => [init, payload.get(file)?.sha256]);
    const isNew = service.command !== undefined || files.length > 0;
    return isNew ? [{ path: `service ${name}`, mark: JSON.stringify([service, files]) }] : [];
  },
  becomes(value, name) {
    const init = initSystems[name];
    const isNew = value.command !== undefined || value.from?.[name] !== undefined;
    const start = value.enabled ? init.describeStart(value) : `removed: ${init.describeStart(value)}`;
    return [...(isNew ? [init.pathOf(value.name)] : []), start];
  },
  async apply(value, context, workspace) {
    const init = await requireInit(`service ${value.name}`, context, workspace);
    const at = { workspace, context };
    const outcomes = [await writeService(value, init, at)];
    outcomes.push(value.enabled ? await init.enable(value, at) : await init.disable(value, at));
    return combine(outcomes);
  },
});

async function writeService(value: Service, init: InitSystem, at: At): Promise<StepOutcome> {
  const payload = value.from?.[init.name];
  if (payload !== undefined) return putPayload(value.name, payload, init, at);
  if (value.command !== undefined) {
    await requireProgram(value.command[0] ?? '', value.name, at);
    return init.define(completeService(value, value.command), at);
  }
  if (value.from === undefined) return { changed: false };
  const given = initNames.filter((name) => value.from?.[name] !== undefined);
  throw createStepError(
    at.context,
    'init-unfit',
    `service ${value.name}: found ${init.name} in the image, wanted ${given.join(' or ')}, for which "from" has a file`,
    { hint: 'add a file for it, or "command", which fits every init system' },
  );
}

function completeService(value: Service, command: readonly string[]): ServiceDefinition {
  const { folder, description = `The service ${value.name}.` } = value;
  return { ...value, command, description, folder: folder === undefined ? undefined : `/${folder}` };
}

async function putPayload(name: string, payload: string, init: InitSystem, at: At): Promise<StepOutcome> {
  const content = at.context.payload.get(payload);
  const path = init.pathOf(name);
  const mode = path.startsWith('etc/init.d/') ? 0o755 : 0o644;
  return putIfDifferent(at.workspace, { path, type: 'file', mode, content });
}

async function requireProgram(program: string, name: string, { workspace, context }: At): Promise<void> {
  const entry = await workspace.follow(program.slice(1));
  if (entry?.type === 'file' && (entry.mode & 0o111) !== 0) return;
  const found =
    entry === undefined
      ? 'nothing'
      : entry.type === 'file'
        ? 'a file that is not executable'
        : `a ${entry.type}`;
  throw createStepError(
    context,
    'service-program',
    `service ${name}: found ${found} at ${program} in the image, wanted its program`,
    { hint: 'a "package", "script" or "file" step before this one has to add it' },
  );
}
