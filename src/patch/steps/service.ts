import { z } from 'zod';
import { disableService, enableService } from '../system/openrc.js';
import { defineStep } from './definition.js';
import { serviceName } from './schemas.js';

const schema = z
  .strictObject({
    name: serviceName.describe('An init script of the image: a file in etc/init.d.'),
    // Without a name rc-update takes the runlevel that is current: inside a container, sysinit.
    runlevel: serviceName.describe('A runlevel of the image: a directory in etc/runlevels.'),
    enabled: z.boolean().default(true),
  })
  .describe('Puts an OpenRC service into a runlevel, or takes it out.');

export const serviceStep = defineStep({
  kind: 'service',
  schema,
  describe: (value) => `service ${value.name} ${value.enabled ? 'in' : 'out of'} runlevel ${value.runlevel}`,
  needs: () => [],
  reads: (value) => [`etc/init.d/${value.name}`, `etc/runlevels/${value.runlevel}/${value.name}`],
  apply: (value, context, at) =>
    value.enabled
      ? enableService(at, context, value.name, value.runlevel)
      : disableService(at, context, value.name, value.runlevel),
});
