/**
 * moby-patch as a library. A session says where things are and when to stop; a use case is a function of its own
 * arguments and a session. Every error that a caller can cause is a `MobyPatchError` with a stable code.
 *
 *     await using session = createSession({ signal });
 *     const request = await createBuildRequest({ image: 'initrd.gz', patches: ['nfs'], output: 'out.img', verify: false }, session);
 *     const { report, error } = await build(request, session);
 */
export { build, planBuild } from './build.js';
export { type ApplyOptions, apply } from './deploy/apply.js';
export { configureHostNfs, type HostNfs, type HostNfsOptions, type HostSession } from './deploy/host/nfs.js';
export type { HostPlatform, ShareOwner } from './deploy/host/nfs-server.js';
export { type ReapplyOptions, reapply } from './deploy/reapply.js';
export { type Restored, type RestoreOptions, restore } from './deploy/restore.js';
export { type ImageStatus, type StatusOptions, status } from './deploy/status.js';
export type { TargetOptions } from './deploy/target.js';
export type { DeployRequest } from './deploy/wanted-patches.js';
export { type WatchEvent, type WatchOptions, type WatchReport, watch } from './deploy/watch/watch.js';
export { createDockerEngine } from './engine/docker/engine.js';
export { createLocalEngine } from './engine/local/engine.js';
export { createStreamEngine } from './engine/stream.js';
export { buildOverlays, type OverlaysRequest } from './fleet/overlays/build-overlays.js';
export { type HostRow, readTable } from './fleet/overlays/read-table.js';
export { buildTargets, type TargetsRequest } from './fleet/targets/build-targets.js';
export { type CachePart, cacheEntry, noCache, openCache, trimCache } from './io/cache.js';
export type * from './model/access.js';
export type * from './model/build.js';
export type * from './model/cache.js';
export type * from './model/deployment.js';
export {
  createErrorReport,
  type ErrorDetails,
  type ErrorKind,
  type ErrorReport,
  exitCodes,
  MobyPatchError,
} from './model/error/error.js';
export type { ErrorCode } from './model/error/error-code.js';
export type * from './model/image/archive.js';
export type * from './model/image/change.js';
export type * from './model/image/diff.js';
export type * from './model/image/entry.js';
export type * from './model/image/layout.js';
export type * from './model/image/wrapper.js';
export { type ScanLimits, usualLimits } from './model/limits.js';
export type * from './model/patch/condition.js';
export type * from './model/patch/engine.js';
export type { ImageFacts } from './model/patch/facts.js';
export type { InitName } from './model/patch/init.js';
export type * from './model/patch/lock.js';
export type * from './model/patch/patch.js';
export type * from './model/patch/plan.js';
export type * from './model/patch/secret.js';
export type * from './model/patch/workspace.js';
export type * from './model/place.js';
export type * from './model/result/attestation.js';
export type * from './model/result/boot.js';
export type * from './model/result/deployed.js';
export type * from './model/result/expectation.js';
export type * from './model/result/hazard.js';
export type * from './model/result/manifest.js';
export type * from './model/result/overlays.js';
export type * from './model/result/record.js';
export type * from './model/result/report.js';
export type * from './model/result/stock.js';
export type * from './model/result/targets.js';
export type * from './model/result/twice.js';
export type * from './model/result/usage.js';
export type * from './model/session.js';
export { type DefineOptions, definePatch, type PatchInput } from './patch/define-patch.js';
export { loadPatch } from './patch/language/load-patch.js';
export type { PatchSettings } from './patch/language/parameters.js';
export { createPlan, type PlanRequest } from './patch/plan.js';
export type { StepInput } from './patch/steps/registry.js';
export { describeDeployed } from './report/deployed.js';
export type { InspectedFile, InspectedWrapper, Inspection } from './report/inspection.js';
export type { BootArguments } from './setup/boot-options.js';
export { type BuildArguments, createBuildRequest } from './setup/build-request.js';
export {
  type Configuration,
  type LoadedConfiguration,
  loadConfiguration,
} from './setup/configuration.js';
export type { ManifestFile } from './setup/lock-file.js';
export type { ImageName } from './setup/named-image.js';
export type { ReadingSessionOptions } from './setup/reading-session.js';
export type { SecretSources } from './setup/secrets.js';
export { createSession, type OpenSession, type SessionOptions } from './setup/session.js';
export { expandTargets, selectTargets } from './setup/targets/expand-targets.js';
export type { Target } from './setup/targets/target.js';
export { type DiffRequest, diff } from './tasks/diff.js';
export {
  type EntriesRequest,
  entries,
  type ListRequest,
  listEntries,
  type ReadRequest,
  readImageFile,
  readImageFiles,
} from './tasks/entries.js';
export { type Inspected, type InspectRequest, inspect } from './tasks/inspect.js';
export { type Pulled, type PulledFile, type PullRequest, pullImage } from './tasks/registry/pull.js';
export { type Pushed, type PushedFile, type PushRequest, pushImage } from './tasks/registry/push.js';
export {
  type Repacked,
  type RepackRequest,
  type RepackSource,
  repack,
  repackToStream,
} from './tasks/repack.js';
export {
  type ExtractedParts,
  type ExtractRequest,
  extract,
  extractToStream,
  type FolderExtractRequest,
  type Unpacked,
  type UnpackRequest,
  unpack,
  unpackToStream,
} from './tasks/unpack.js';
export { type VerifyRequest, verify } from './tasks/verify.js';
export { type FolderRequest, type UnpackedFolder, unpackToFolder } from './unpack/export/to-folder.js';
export { type OpenOptions, openImage } from './unpack/open-image.js';
export type { ScanRequest } from './unpack/reading.js';
