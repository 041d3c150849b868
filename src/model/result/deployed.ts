import type { Conflict, Deployment, PackageDrift, Status } from '../deployment.js';
import type { Report } from './report.js';

/** What `apply` or `reapply` did. */
export interface Deployed {
  /** The id or the path, as the user gave it. */
  readonly name: string;
  /** Whether the installed image was replaced (`dryRun`: would be). */
  readonly changed: boolean;
  /** Set when the installed image was left in place and booted, which had not happened before. */
  readonly proved?: boolean | undefined;
  /** The status before. */
  readonly before: Status;
  /** Whose patched image is installed now. */
  readonly deployment?: Deployment | undefined;
  /** Undefined for the first deployment, and when the record of touched files was lost. */
  readonly conflicts?: readonly Conflict[] | undefined;
  readonly drift?: readonly PackageDrift[] | undefined;
  /** The report of the build, or with `dryRun` of the plan; absent when nothing was built. */
  readonly report?: Report | undefined;
}
