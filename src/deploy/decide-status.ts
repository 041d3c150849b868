import type { Deployment, Status } from '../model/deployment.js';

/** What is known without looking into the image. */
export interface Facts {
  /** Digest of the installed image. */
  readonly installed: string;
  /** What the configuration asks for now; absent: no patches are named, what was applied last counts. */
  readonly recipe?: string | undefined;
  readonly application?: string | undefined;
  /** Digest of the installed kernel. */
  readonly kernel?: string | undefined;
  /** The oldest first. */
  readonly deployments: readonly Deployment[];
  /** Digests of the stock images that are kept. */
  readonly backups: readonly string[];
}

/** What a look into an image of an unknown digest tells. */
export interface Evidence {
  /** Why it is no whole image. */
  readonly damage?: string | undefined;
  /** Digests of its archives. */
  readonly segments: readonly string[];
  /** Digest of the archive of the last stock image that brings /init; others (microcode) outlive upgrades. */
  readonly stockRoot?: string | undefined;
  /** Whether it has all files that the last patches added. */
  readonly hasAddedFiles: boolean;
  /** Steps of the wanted patches that are done in it already; asked only where nothing is on record. */
  readonly done: readonly string[];
}

/** The status of an image whose digest is on record, or that is the first one seen; otherwise undefined. */
export function recogniseImage(facts: Facts): (Status & { deployment?: Deployment }) | undefined {
  const { installed, deployments } = facts;
  const own = deployments.findLast(({ patched }) => patched.sha256 === installed);
  if (own !== undefined) return { ...judgeOwn(own, facts), deployment: own };
  const stock = deployments.findLast((each) => each.stock.sha256 === installed);
  if (stock !== undefined || facts.backups.includes(installed)) {
    return { status: 'stock', reason: 'the stock image is installed', next: 'moby-patch apply' };
  }
  if (deployments.length > 0 || facts.backups.length > 0) return undefined;
  return {
    status: 'stock',
    reason: 'nothing was ever applied to this image; it is taken for the stock one',
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

function findStaleness(own: Deployment, { recipe, kernel }: Facts): string | undefined {
  if (recipe !== undefined && recipe !== own.recipe)
    return 'the patches or their settings were changed since they were applied';
  if (kernel !== undefined && own.kernel !== undefined && kernel !== own.kernel)
    return 'the kernel was replaced since this image was booted with it';
  return undefined;
}

/**
 * The status of an image that nobody has on record: an upgrade's new stock image, or somebody else's change.
 * What bears our own marks is never taken for stock: patches would go on top of patches.
 */
export function judgeUnknown(facts: Facts, evidence: Evidence): Status {
  const { damage, segments, stockRoot, hasAddedFiles, done } = evidence;
  const last = facts.deployments.at(-1);
  if (damage !== undefined) return createForeign(`half-written or damaged: ${damage}`);
  if (last === undefined && done.length > 0) return createUnrecorded(done);
  if (last === undefined)
    return createForeign('there are backups, but no record of how this image came to be');
  const own = facts.deployments.flatMap((each) => each.segments);
  if (segments.some((each) => own.includes(each)) || hasAddedFiles)
    return createForeign('somebody changed the patched image');
  const known = last.application !== undefined && facts.application !== undefined;
  if (known && last.application !== facts.application)
    return createUpgraded(`the application went from ${last.application} to ${facts.application}`);
  if (last.kernel !== undefined && facts.kernel !== undefined && last.kernel !== facts.kernel)
    return createUpgraded('the image and the kernel beside it were replaced');
  if (known) return createForeign(`the application is still ${last.application}, but not its image`);
  if (stockRoot !== undefined && segments.includes(stockRoot))
    return createForeign('somebody changed the stock image: a part of it is the same');
  return createUpgraded('a new image without any part of the old one');
}

function createForeign(why: string): Status {
  return {
    status: 'foreign',
    reason: `neither our image nor the stock one: ${why}`,
    next: 'moby-patch restore --force to get the stock image back, or moby-patch apply --adopt to patch what is there',
  };
}

/** Nothing can tell its stock image any more. */
function createUnrecorded([first = '', ...rest]: readonly string[]): Status {
  const more = rest.length === 0 ? '' : ` and ${rest.length} more`;
  return {
    status: 'foreign',
    reason: `nothing is on record, but the image has already what the patches bring (${first}${more}): the record was lost`,
    next: 'install the application again, which brings a stock image, or moby-patch apply --adopt if this is the stock image',
  };
}

function createUpgraded(why: string): Status {
  return { status: 'upgraded', reason: `a new stock image: ${why}`, next: 'moby-patch reapply' };
}
