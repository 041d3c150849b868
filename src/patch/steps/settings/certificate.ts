import { z } from 'zod';
import { largestPayload, readPayloadText } from '../../system/payload-text.js';
import { createStepError } from '../../system/step-context.js';
import { combine } from '../../system/text-file.js';
import { type Certificate, parseCertificates } from '../../system/trust/certificates.js';
import { addToBundles, chooseFolder, linkByHash } from '../../system/trust/trust-store.js';
import { putIfDifferent } from '../../system/workspace-files.js';
import { defineStep } from '../definition.js';
import { oneSource, payloadPath } from '../schemas.js';
import { writtenFile } from '../written.js';

const schema = () =>
  z
    .strictObject({
      name: z
        .string()
        .regex(/^[A-Za-z0-9][A-Za-z0-9_-]{0,99}$/, { error: 'expected a name of letters, digits, _ and -' })
        .describe('The name of the file, without .crt.'),
      content: z
        .string()
        .superRefine((text, context) => {
          const parsed = parseCertificates(text);
          if ('fault' in parsed) context.addIssue({ code: 'custom', message: parsed.fault });
        })
        .optional()
        .describe('The certificate in PEM, or several.'),
      from: payloadPath.optional().describe('A file of the patch folder with certificates in PEM.'),
    })
    .refine(...oneSource)
    .describe(
      'Makes programs of the image trust a certificate authority: the folder from which the system makes its store, the bundle where it is a file, and links by hash where there are some.',
    );

export const certificateStep = defineStep({
  kind: 'certificate',
  schema,
  describe: ({ name }) => `certificate ${name}`,
  needs: () => [],
  reads: () => ['etc/ssl/certs/ca-certificates.crt', 'etc/ssl/cert.pem'],
  payload: ({ from }) =>
    from === undefined ? [] : [{ name: from, template: false, largest: largestPayload, isPublic: true }],
  writes: ({ name, content, from }, { payload }) => [
    writtenFile(`certificate ${name}`, { content: from === undefined ? content : payload.get(from) }),
  ],
  async apply({ name, content, from }, context, workspace) {
    const parsed = parseCertificates(content ?? (await readPayloadText(context, from ?? '')));
    if ('fault' in parsed) {
      const place = from === undefined ? '' : `${from}: `;
      throw createStepError(context, 'certificate-invalid', `certificate ${name}: ${place}${parsed.fault}`);
    }
    const { certificates } = parsed;
    const folder = await chooseFolder(workspace);
    const outcomes = [];
    for (const [index, certificate] of certificates.entries()) {
      // A link by its hash leads to a file with one certificate.
      const base = certificates.length === 1 ? name : `${name}-${index + 1}`;
      const path = `${folder.path}/${base}${folder.ending}`;
      const bytes = new TextEncoder().encode(certificate.pem);
      outcomes.push(await putIfDifferent(workspace, { path, type: 'file', content: bytes }));
      outcomes.push(await linkByHash(workspace, certificate, { base, path }));
    }
    outcomes.push(await addToBundles(workspace, context, certificates));
    return combine(
      outcomes,
      certificates.flatMap((certificate) => warn(certificate, context.stamp)),
    );
  },
});

/** `now`: seconds since 1970; the build's clock, so that equal inputs give equal reports. */
function warn({ subject, isAuthority, end }: Certificate, now: number): string[] {
  return [
    ...(end.getTime() < now * 1000 ? [`${subject} ended on ${end.toISOString().slice(0, 10)}`] : []),
    ...(isAuthority
      ? []
      : [`${subject} is no certificate authority: it is trusted for itself alone, if at all`]),
  ];
}
