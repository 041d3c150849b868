import type { Step } from '../../../model/patch/patch.js';
import { type Service, serviceStep } from './service.js';

/** The services that steps make of programs that stay, by name, where the boot starts them; a script of the patch may be anything. */
export function listDaemons(steps: readonly Pick<Step, 'kind' | 'value'>[]): string[] {
  const daemons = new Set<string>();
  for (const { kind, value } of steps) {
    if (kind !== serviceStep.kind) continue;
    const { name, enabled, type, command, from } = value as Service;
    if (!enabled || type === 'once' || from !== undefined) daemons.delete(name);
    else if (command !== undefined) daemons.add(name);
  }
  return [...daemons];
}
