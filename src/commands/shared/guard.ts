import type { CommandContext } from './context.js';
import { fail } from './fail.js';

interface JsonFlag {
  readonly json?: boolean;
}

/** An action whose errors are told to the user instead of thrown. */
export function guard<Arguments extends readonly unknown[]>(
  context: CommandContext,
  action: (...args: Arguments) => Promise<void>,
) {
  return async (...args: Arguments): Promise<void> => {
    try {
      await action(...args);
    } catch (error) {
      const flags = args.find(
        (arg): arg is Arguments[number] & JsonFlag =>
          typeof arg === 'object' && arg !== null && 'json' in arg,
      );
      await fail(context, error, flags?.json ?? false);
    }
  };
}
