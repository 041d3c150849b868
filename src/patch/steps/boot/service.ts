import { z } from 'zod';
import { disableService, enableService } from '../../system/openrc.js';
import { defineStep } from '../definition.js';
import { serviceName } from '../schemas.js';

const schema = z
  .strictObject({
    name: serviceName.describe('An init script of the image: a file in etc/init.d.'),
    // Required: without a name rc-update uses the current runlevel, which is sysinit inside a container.
    runlevel: serviceName.describe('A runlevel of the image: a directory in etc/runlevels.'),
    enabled: z.boolean().default(true),
  })
  .describe('Adds an OpenRC service to a runlevel, or removes it from there.');

export const serviceStep = defineStep({
  kind: 'service',
  schema,
  describe: (value) => `service ${value.name} ${value.enabled ? 'in' : 'out of'} runlevel ${value.runlevel}`,
  needs: () => [],
  reads: (value) => [`etc/init.d/${value.name}`, `etc/runlevels/${value.runlevel}/${value.name}`],
  apply: (value, context, workspace) =>
    value.enabled
      ? enableService(workspace, context, value.name, value.runlevel)
      : disableService(workspace, context, value.name, value.runlevel),
});
