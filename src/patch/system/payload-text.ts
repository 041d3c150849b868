import { createStepError, type StepContext } from './step-context.js';

/** A file of the patch folder as text. Error (`failed`): `payload-text`, when it is not UTF-8. */
export function readPayloadText(context: StepContext, name: string): string {
  const bytes = context.payload.get(name) ?? new Uint8Array();
  const text = Buffer.from(bytes).toString('utf8');
  if (Buffer.from(text).equals(bytes)) return text;
  throw createStepError(
    context,
    'payload-text',
    `${name}: found bytes that are not UTF-8, wanted a text file`,
  );
}
