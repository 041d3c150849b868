import type { Deployment, Status } from '../model/deployment.js';

/** What is known without opening the image. */
export interface Facts {
  /** Digest of the installed image. */
  readonly installed: string;
  /** Hash of what the configuration asks for; absent: it names no patches, and the last deployment counts. */
  readonly recipe?: string | undefined;
  /** Digests of the secrets whose values are at hand, by `PATCH.NAME`. */
  readonly secrets?: Readonly<Record<string, string>> | undefined;
  /** Version of the installed application. */
  readonly application?: string | undefined;
  /** Digest of the installed kernel. */
  readonly kernel?: string | undefined;
  /** Oldest first. */
  readonly deployments: readonly Deployment[];
  /** Digests of the stock images that have a backup. */
  readonly backups: readonly string[];
}

/** What the content of an image of unknown digest shows. */
export interface Evidence {
  /** Why it is no whole image. */
  readonly damage?: string | undefined;
  /** Digests of its archives. */
  readonly segments: readonly string[];
  /** Digest of the archive with /init of the last stock image; other archives (microcode) outlive upgrades. */
  readonly stockRoot?: string | undefined;
  /** Whether it has all files that the last patches added. */
  readonly hasAddedFiles: boolean;
  /** Steps of the wanted patches whose work is done in it already; gathered only where nothing is on record. */
  readonly done: readonly string[];
}

export interface RecognisedStatus extends Status {
  /** Set when the installed bytes are those of this deployment. */
  readonly deployment?: Deployment;
}

/** The status of an image whose digest is on record, or of the very first image; undefined for all others. */
export function recogniseImage(facts: Facts): RecognisedStatus | undefined {
  const { installed, deployments, backups } = facts;
  const own = deployments.findLast(({ patched }) => patched.sha256 === installed);
  if (own !== undefined) return { ...judgeOwn(own, facts), deployment: own };
  const isStock = deployments.some(({ stock }) => stock.sha256 === installed);
  if (isStock || backups.includes(installed))
    return { status: 'stock', reason: 'the stock image is installed', next: 'moby-patch apply' };
  if (deployments.length > 0 || backups.length > 0) return undefined;
  return {
    status: 'stock',
    reason: 'nothing was ever applied to this image, so it counts as the stock image',
    next: 'moby-patch apply',
  };
}

function judgeOwn(own: Deployment, facts: Facts): Status {
  const stale = findStaleness(own, facts);
  if (stale !== undefined) return { status: 'stale', reason: stale, next: 'moby-patch apply' };
  const names = own.patches.map(({ id }) => id).join(', ');
  const booted = own.verdict === 'passed' ? 'booted before it was installed' : 'never booted';
  return { status: 'patched', reason: `${names || 'no patch'} applied at ${own.time}, ${booted}` };
}

function findStaleness(own: Deployment, { recipe, kernel, secrets = {} }: Facts): string | undefined {
  if (recipe !== undefined && recipe !== own.recipe)
    return 'the patches or their settings changed since they were applied';
  const other = Object.keys(secrets).find((name) => secrets[name] !== own.secrets?.[name]?.shown);
  if (other !== undefined) return `the secret ${other} is another one since it was applied`;
  if (kernel !== undefined && own.kernel !== undefined && kernel !== own.kernel)
    return 'the kernel was replaced since this image was booted with it';
  return undefined;
}

/**
 * The status of an image that is on no record: the stock image of an upgrade, or a change by another program. An
 * image that bears marks of our own never counts as stock, or patches would be applied on top of patches.
 */
export function judgeUnknown(facts: Facts, evidence: Evidence): Status {
  const { damage, done } = evidence;
  const last = facts.deployments.at(-1);
  if (damage !== undefined) return createForeign(`half-written or damaged: ${damage}`);
  if (last !== undefined) return judgeSuccessor(last, facts, evidence);
  if (done.length > 0) return createUnrecorded(done);
  return createForeign('there are backups, but no record of how this image was made');
}

function judgeSuccessor(
  last: Deployment,
  { deployments, application, kernel }: Facts,
  { segments, hasAddedFiles, stockRoot }: Evidence,
): Status {
  const own = deployments.flatMap((each) => each.segments);
  if (segments.some((each) => own.includes(each)) || hasAddedFiles)
    return createForeign('another program changed the patched image');
  const isVersioned = last.application !== undefined && application !== undefined;
  if (isVersioned && last.application !== application)
    return createUpgraded(`the application went from ${last.application} to ${application}`);
  if (last.kernel !== undefined && kernel !== undefined && last.kernel !== kernel)
    return createUpgraded('the image and the kernel beside it were replaced');
  if (isVersioned)
    return createForeign(`the application is still ${last.application}, but its image changed`);
  if (stockRoot !== undefined && segments.includes(stockRoot))
    return createForeign('another program changed the stock image: a part of it is the same');
  return createUpgraded('a new image without any part of the old one');
}

function createForeign(why: string): Status {
  return {
    status: 'foreign',
    reason: `neither our image nor the stock one: ${why}`,
    next: 'moby-patch restore --force to get the stock image back, or moby-patch apply --adopt to patch what is there',
  };
}

/** The stock image cannot be known any more. */
function createUnrecorded([first = '', ...rest]: readonly string[]): Status {
  const more = rest.length === 0 ? '' : ` and ${rest.length} more`;
  return {
    status: 'foreign',
    reason: `nothing is on record, but the image already has what the patches add (${first}${more}): the record was lost`,
    next: 'install the application again, which brings a stock image, or moby-patch apply --adopt if this is the stock image',
  };
}

function createUpgraded(why: string): Status {
  return { status: 'upgraded', reason: `a new stock image: ${why}`, next: 'moby-patch reapply' };
}
