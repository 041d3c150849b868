import type { z } from 'zod';
import { bootSchema } from './boot-schema.js';
import { errorSchema } from './error-schema.js';
import { fleetSchema } from './fleet-schema.js';
import { entriesSchema, inspectionSchema, repackedSchema, unpackedSchema } from './image-schemas.js';
import {
  deployedSchema,
  hostSchema,
  restoredSchema,
  serviceSchema,
  statusSchema,
} from './installed-schemas.js';
import { overlaysSchema } from './overlays-schema.js';
import { patchesSchema } from './patches-schema.js';
import {
  checkSchema,
  createdSchema,
  findingsSchema,
  lockedSchema,
  prunedSchema,
  pulledSchema,
  pushedSchema,
} from './project-schemas.js';
import { bisectionSchema, explanationSchema, matrixSchema } from './proof-schemas.js';
import { manifestSchema, reportSchema } from './report-schema.js';
import { diffSchema } from './shared-schemas.js';
import { targetsSchema } from './targets-schema.js';

export interface PublishedSchema {
  /** Of schema/NAME.schema.json. */
  readonly name: string;
  readonly schema: z.ZodType;
  /** Those that print its values with `--json`, with the option that makes another value of it. */
  readonly commands: readonly string[];
  /** Where else such a value is. */
  readonly also?: string;
}

const report: PublishedSchema = {
  name: 'report',
  schema: reportSchema,
  commands: ['build', 'plan'],
  also: 'the file of `--report FILE.json`',
};

/** All schemas of what this program writes for other programs. */
export const publishedSchemas: readonly PublishedSchema[] = [
  report,
  { name: 'targets', schema: targetsSchema, commands: ['build --all', 'build --target A --target B'] },
  { name: 'overlays', schema: overlaysSchema, commands: ['build --for-each'] },
  { name: 'manifest', schema: manifestSchema, commands: [], also: 'the file `OUTPUT.manifest.json`' },
  { name: 'check', schema: checkSchema, commands: ['check'] },
  { name: 'patches', schema: patchesSchema, commands: ['patches', 'patches show'] },
  { name: 'lock', schema: lockedSchema, commands: ['lock'], also: 'the file `moby-patch.lock`' },
  { name: 'init', schema: createdSchema, commands: ['init'] },
  { name: 'inspect', schema: inspectionSchema, commands: ['inspect'] },
  { name: 'ls', schema: entriesSchema, commands: ['ls'] },
  { name: 'diff', schema: diffSchema, commands: ['diff'] },
  { name: 'explain', schema: explanationSchema, commands: ['explain'] },
  { name: 'unpack', schema: unpackedSchema, commands: ['unpack'] },
  { name: 'repack', schema: repackedSchema, commands: ['repack'] },
  { name: 'boot', schema: bootSchema, commands: ['verify'] },
  { name: 'bisect', schema: bisectionSchema, commands: ['bisect'] },
  { name: 'matrix', schema: matrixSchema, commands: ['matrix'] },
  { name: 'status', schema: statusSchema, commands: ['status'] },
  { name: 'apply', schema: deployedSchema, commands: ['apply', 'reapply'] },
  { name: 'restore', schema: restoredSchema, commands: ['restore'] },
  { name: 'watch', schema: serviceSchema, commands: ['watch --install', 'watch --uninstall'] },
  { name: 'host', schema: hostSchema, commands: ['host nfs'] },
  { name: 'fleet', schema: fleetSchema, commands: ['fleet build', 'fleet status'] },
  { name: 'push', schema: pushedSchema, commands: ['push'] },
  { name: 'pull', schema: pulledSchema, commands: ['pull'] },
  { name: 'doctor', schema: findingsSchema, commands: ['doctor'] },
  { name: 'prune', schema: prunedSchema, commands: ['prune'] },
  {
    name: 'error',
    schema: errorSchema,
    commands: [],
    also: 'what a command with `--json` prints that fails before it has another value',
  },
];

/** What has the form of another program: the matrix of a CI, the manifests of Kubernetes. */
const foreign = ['plan --matrix', 'fleet build --on kubernetes'];

/** The schema of what a command prints with `--json`; undefined where it has none. */
export function findSchema(args: readonly string[]): PublishedSchema | undefined {
  if (foreign.some((command) => isOf(args, command))) return undefined;
  const found = publishedSchemas.flatMap((each) =>
    each.commands.filter((command) => isOf(args, command)).map((command) => ({ each, command })),
  );
  return found.sort((a, b) => b.command.length - a.command.length)[0]?.each;
}

/** The schema of the files of `--report`. */
export function findReportSchema(args: readonly string[]): PublishedSchema {
  const found = findSchema(args);
  return found !== undefined && /^(targets|overlays)$/.test(found.name) ? found : report;
}

/** Whether the arguments have all words of a command, but for those in its place: A, B. */
function isOf(args: readonly string[], command: string): boolean {
  const words = command.split(' ').filter((word) => !/^[A-Z]+$/.test(word));
  const count = (list: readonly string[], word: string) => list.filter((each) => each === word).length;
  return args[0] === words[0] && words.every((word) => count(args, word) >= count(words, word));
}
