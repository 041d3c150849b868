import { z } from 'zod';
import { createScalar } from '../patch/language/scalar.js';
import { isRepository } from './fleet-repository.js';

const word = z.string().min(1);

/** Options that all `fleet` commands share; the command line overrides them. */
export const fleetOptions = z.strictObject({
  registry: word
    .refine(isRepository, { error: 'expected oci://HOST/REPOSITORY without a tag' })
    .optional()
    .describe('Where plan and results are: oci://HOST/REPOSITORY.'),
  on: z
    .enum(['local', 'swarm', 'hosts', 'kubernetes'])
    .optional()
    .describe('What runs the jobs; default: local.'),
  image: word.optional().describe('The container image with this program, as the machines pull it.'),
  'max-concurrent': z
    .int()
    .min(1)
    .optional()
    .describe('How many jobs run at a time; with hosts: on each of them.'),
  retries: z
    .int()
    .min(0)
    .optional()
    .describe('How often a job is tried again after a fault of its machine; default: 3.'),
  constraints: z.array(word).optional().describe('Which machines: node.labels.kvm==true.'),
  hosts: z.array(word).optional().describe('The machines of a pool, as DOCKER_HOST: ssh://user@host.'),
  network: word.optional().describe('The network of the containers.'),
  variables: z
    .record(z.string().regex(/^[^=\0]+$/, { error: 'expected a name without =' }), createScalar())
    .optional()
    .describe('Variables of the containers.'),
  login: word
    .optional()
    .describe("Docker's config.json with the login that the machines use at the registry."),
});
