// For `module.register` in a worker with a group of test files: their `ava` is that of the group.
const grouped = new URL('grouped-ava.mjs', import.meta.url).href;

export function resolve(specifier, context, next) {
  return specifier === 'ava' && context.parentURL !== grouped
    ? { url: grouped, format: 'module', shortCircuit: true }
    : next(specifier, context);
}
