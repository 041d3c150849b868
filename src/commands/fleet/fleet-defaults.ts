import { resolve } from 'node:path';
import { MobyPatchError } from '../../model/error/error.js';
import type { CommandContext } from '../shared/context.js';
import type { FleetBuildFlags, GivenBuildFlags, GivenStoreFlags, StoreFlags } from './fleet-flags.js';

/** Takes what the command line leaves out from `fleet:` of the configuration. Errors: `config-*`, `option-wrong`. */
export async function completeBuildFlags(
  flags: GivenBuildFlags,
  context: CommandContext,
): Promise<FleetBuildFlags> {
  const { folder, fleet } = await readFleet(flags.config, context);
  const { registry, hosts, constraints, variables, login, 'max-concurrent': atOnce } = fleet;
  const given = Object.entries(variables ?? {}).map(([name, value]) => `${name}=${value}`);
  return {
    ...flags,
    registry: assertRegistry(flags.registry ?? registry),
    on: flags.on ?? fleet.on ?? 'local',
    retries: flags.retries ?? fleet.retries ?? 3,
    ...pick('image', flags.image ?? fleet.image),
    ...pick('maxConcurrent', flags.maxConcurrent ?? atOnce),
    ...pick('constraint', flags.constraint ?? constraints),
    ...pick('host', flags.host ?? hosts),
    ...pick('network', flags.network ?? fleet.network),
    ...pick('variable', given.length > 0 ? [...given, ...(flags.variable ?? [])] : flags.variable),
    ...pick('login', flags.login ?? (login && resolve(folder, login))),
  };
}

/** The file is read only where the command line names no registry. */
export async function completeStoreFlags(
  flags: GivenStoreFlags,
  context: CommandContext,
): Promise<StoreFlags> {
  const registry = flags.registry ?? (await readFleet(undefined, context)).fleet.registry;
  return { ...flags, registry: assertRegistry(registry) };
}

function pick<Name extends string, Value>(name: Name, value: Value | undefined) {
  return (value === undefined ? {} : { [name]: value }) as { readonly [Key in Name]?: Value };
}

async function readFleet(config: string | undefined, { folder }: CommandContext) {
  const { loadConfiguration } = await import('../../setup/configuration.js');
  const loaded = await loadConfiguration(folder, config);
  return { folder: loaded.folder, fleet: loaded.values.fleet ?? {} };
}

function assertRegistry(registry: string | undefined): string {
  if (registry !== undefined) return registry;
  throw new MobyPatchError('invalid', 'option-wrong', 'a fleet needs a registry for plan and results', {
    hint: '--registry oci://HOST/REPOSITORY, or fleet: {registry: oci://HOST/REPOSITORY} in moby-patch.yaml',
  });
}
