/**
 * Generates a patch from data of your own, shows what it would do, and builds an image with it:
 *
 *     node generate-patch.js IMAGE OUTPUT HOST=ADDRESS...
 */
import { build, createBuildRequest, createSession, definePatch, planBuild } from 'moby-patch';

const [image = '', output = '', ...pairs] = process.argv.slice(2);
const hosts = pairs.map((pair) => pair.split('=') as [name: string, address: string]);

// The steps have the types, and the checks, of those in a patch.yaml.
const patch = await definePatch(
  {
    title: 'Name the machines of the rack',
    steps: hosts.map(([name, address]) => ({ hosts: { [address]: [name] } })),
  },
  { id: 'rack' },
);

await using session = createSession({ signal: AbortSignal.timeout(300_000), cache: false });
const request = await createBuildRequest({ image, output, verify: false, config: false }, session);
const wanted = { ...request, patches: [patch] };

const { report: plan } = await planBuild(wanted, session);
for (const { summary } of plan.plan?.steps ?? []) console.log(`would do: ${summary}`);

const { report, error } = await build(wanted, session);
if (error !== undefined) throw error;
console.log(`wrote ${report.output}: sha256 ${report.after?.sha256}`);
