import { type Command, InvalidArgumentError, Option } from 'commander';
import { parseNumberList } from '../../fleet/jobs/number-list.js';
import { isRepository } from '../../setup/fleet-repository.js';
import { createSecretOption } from '../shared/build-options.js';
import type { CommandContext } from '../shared/context.js';
import { guard } from '../shared/errors.js';
import { collect, createCollector, parseCount, parseIndex } from '../shared/options.js';
import { addTargetSelection } from '../shared/target-selection.js';
import type { FleetRunFlags, GivenBuildFlags, GivenStoreFlags } from './fleet-flags.js';

/** `fleet build`, `run`, `status`, `logs` and `cancel`. */
export function addFleetCommand(fleet: Command, context: CommandContext): void {
  addBuild(fleet, context);
  const complete = async (flags: GivenStoreFlags) =>
    (await import('./fleet-defaults.js')).completeStoreFlags(flags, context);
  fleet
    .command('run')
    .description('do one job of a plan, with its result in the registry: what every engine runs')
    .argument('<reference>', 'oci://HOST/REPOSITORY:plan-ID, as fleet build prints it')
    .option('--job <number>', 'from 0; default: $MOBY_PATCH_JOB or $JOB_COMPLETION_INDEX', parseIndex)
    .option('--architecture <name>', 'number the jobs of this architecture alone')
    .option('--left <numbers>', 'number these jobs alone: 3,7-12', parseNumbers)
    .addOption(createSecretOption())
    .option('--no-cache', 'use nothing from the build cache, and add nothing to it')
    .option('-q, --quiet', 'print nothing but errors')
    .action(
      guard(context, async (reference: string, flags: FleetRunFlags) => {
        const { runOne } = await import('./fleet-run.js');
        return runOne(reference, flags, context);
      }),
    );
  addStoreOptions(fleet.command('status').description('what the registry holds of each job'))
    .option('--json', 'the state of each job as JSON on standard output')
    .action(
      guard(context, async (flags: GivenStoreFlags) => {
        const { showStatus } = await import('./fleet-status.js');
        return showStatus(await complete(flags), context);
      }),
    );
  addStoreOptions(fleet.command('logs').description('what the tasks of a Swarm printed')).action(
    guard(context, async (flags: GivenStoreFlags) => {
      const { showLogs } = await import('./fleet-status.js');
      return showLogs(await complete(flags), context);
    }),
  );
  addStoreOptions(
    fleet.command('cancel').description('remove the services of a plan from the Swarm; results stay'),
  ).action(
    guard(context, async (flags: GivenStoreFlags) => {
      const { cancel } = await import('./fleet-status.js');
      return cancel(await complete(flags), context);
    }),
  );
}

function addBuild(fleet: Command, context: CommandContext): void {
  const build = fleet.command('build').description('build the targets of moby-patch.yaml on other machines');
  addRegistryOption(addTargetSelection(build))
    .addOption(
      new Option('--on <engine>', 'what runs the jobs; default: local').choices([
        'local',
        'swarm',
        'hosts',
        'kubernetes',
      ]),
    )
    .option('-c, --config <file>', 'default: moby-patch.yaml of this folder')
    .option('--image <reference>', 'the container image with this program, as the machines pull it')
    .option('--max-concurrent <number>', 'how many jobs run at a time; with hosts: on each', parseCount)
    .option(
      '--retries <number>',
      'how often a job is tried again after a fault of its machine; default: 3',
      parseIndex,
    )
    .option(
      '--constraint <text>',
      'which machines: node.labels.kvm==true, kvm=true for Kubernetes (repeatable)',
      collect,
    )
    .option('--host <url>', 'a machine of the pool, as DOCKER_HOST: ssh://user@host (repeatable)', collect)
    .option('--network <name>', 'the network of the containers')
    .option('--variable <name=value>', 'a variable of the containers (repeatable)', collectVariable)
    .option('--login <file>', "Docker's config.json with the login that the machines use at the registry")
    .addOption(createSecretOption())
    .option('--keep-going', 'leave out targets that cannot be planned, and build the others')
    .option('--detach', 'return when the jobs are handed over')
    .option('--no-verify', 'boot nothing')
    .option('--no-cache', 'use nothing from the build cache, and add nothing to it')
    .option('--json', 'the state of each job as JSON on standard output; for Kubernetes the manifests')
    .option('-q, --quiet', 'print nothing but errors')
    .action(
      guard(context, async (flags: GivenBuildFlags) => {
        const { runFleet } = await import('./fleet-build.js');
        const { completeBuildFlags } = await import('./fleet-defaults.js');
        return runFleet(await completeBuildFlags(flags, context), context);
      }),
    );
}

function addStoreOptions(command: Command): Command {
  return addRegistryOption(command).option('--plan <id>', 'default: the latest plan');
}

function addRegistryOption(command: Command): Command {
  return command.option(
    '--registry <reference>',
    'where plan and results are: oci://HOST/REPOSITORY; default: fleet.registry in moby-patch.yaml',
    parseRegistry,
  );
}

const collectVariable = createCollector((text) => {
  if (/^[^=\0]+=/.test(text)) return text;
  throw new InvalidArgumentError('wanted NAME=VALUE');
});

function parseNumbers(text: string): readonly number[] {
  const numbers = parseNumberList(text);
  if (numbers !== undefined) return numbers;
  throw new InvalidArgumentError('wanted numbers from 0, and ranges of them: 3,7-12');
}

function parseRegistry(text: string): string {
  if (isRepository(text)) return text;
  throw new InvalidArgumentError('wanted oci://HOST/REPOSITORY without a tag');
}
