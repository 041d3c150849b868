import { z } from 'zod';

// What the specifications of in-toto attestations (Statement v1, ResourceDescriptor v1, Test Result v0.1) and SLSA provenance v1 say of
// each field. A field that they do not know is a mistake, too.

const digests = z.record(z.string(), z.string()).refine(({ sha256 }) => /^[0-9a-f]{64}$/.test(sha256 ?? ''));

const resource = z
  .strictObject({
    name: z.string().min(1).optional(),
    uri: z
      .string()
      .regex(/^[a-z][a-z0-9+.-]*:\S+$/)
      .optional(),
    digest: digests.optional(),
    content: z.base64().optional(),
    downloadLocation: z.string().optional(),
    mediaType: z.string().optional(),
    annotations: z.record(z.string(), z.unknown()).optional(),
  })
  .refine(({ uri, digest, content }) => (uri ?? digest ?? content) !== undefined, {
    message: 'one of uri, digest and content at least',
  });

const uri = z.string().regex(/^https:\/\/\S+$/);

const createStatementSchema = <Predicate extends z.ZodType>(type: string, predicate: Predicate) =>
  z.strictObject({
    _type: z.literal('https://in-toto.io/Statement/v1'),
    subject: z.array(resource.refine(({ digest }) => digest !== undefined)).min(1),
    predicateType: z.literal(type),
    predicate,
  });

export const provenanceSchema = createStatementSchema(
  'https://slsa.dev/provenance/v1',
  z.strictObject({
    buildDefinition: z.strictObject({
      buildType: uri,
      externalParameters: z.record(z.string(), z.unknown()),
      internalParameters: z.record(z.string(), z.unknown()).optional(),
      resolvedDependencies: z.array(resource).optional(),
    }),
    runDetails: z.strictObject({
      builder: z.strictObject({
        id: uri,
        version: z.record(z.string(), z.string()).optional(),
        builderDependencies: z.array(resource).optional(),
      }),
      metadata: z
        .strictObject({
          invocationId: z.string().optional(),
          startedOn: z.iso.datetime().optional(),
          finishedOn: z.iso.datetime().optional(),
        })
        .optional(),
      byproducts: z.array(resource).optional(),
    }),
  }),
);

export const testResultSchema = createStatementSchema(
  'https://in-toto.io/attestation/test-result/v0.1',
  z.strictObject({
    result: z.enum(['PASSED', 'WARNED', 'FAILED']),
    configuration: z.array(resource),
    url: uri.optional(),
    passedTests: z.array(z.string()).optional(),
    warnedTests: z.array(z.string()).optional(),
    failedTests: z.array(z.string()).optional(),
  }),
);
