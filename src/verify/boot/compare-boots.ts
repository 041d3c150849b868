import { type BootResult, bootStages, type Survey } from '../../model/result/boot.js';
import type { StockComparison } from '../../model/result/stock.js';

/** A boot with the text of its console. */
export interface RecordedBoot {
  readonly boot: BootResult;
  readonly console: string;
}

const mostErrors = 100;

/** What is different in the boot of a patched image. */
export function compareBoots(stock: RecordedBoot, patched: RecordedBoot): StockComparison {
  const [before, after] = [stock.boot, patched.boot];
  const isUnsettled = !areComparable(before.survey, after.survey);
  const [used, now] = [before.survey?.memory, after.survey?.memory];
  return {
    stock: before,
    stages: pair(mapStages(before), mapStages(after)),
    services: isUnsettled ? [] : pair(mapServices(before), mapServices(after)).filter(isDifference),
    ...(isUnsettled && { unsettled: true }),
    ...(used !== undefined && now !== undefined && { memory: { stock: used, patched: now } }),
    errors: listNewErrors(stock.console, patched.console),
  };
}

/** Surveys of programs compare only when both guests had come to rest: before that, they differ by the moment. */
function areComparable(stock: Survey | undefined, patched: Survey | undefined): boolean {
  if (stock === undefined || patched === undefined) return stock === patched;
  if (stock.kind !== patched.kind) return false;
  return stock.kind === 'services' || (stock.settled && patched.settled);
}

/** What comes and goes in one guest may do so in the other, unseen. */
const passing = 'comes and goes';

interface States {
  readonly stock: string | undefined;
  readonly patched: string | undefined;
}

function isDifference({ stock = passing, patched = passing }: States): boolean {
  return stock !== patched;
}

function pair<Value>(stock: ReadonlyMap<string, Value>, patched: ReadonlyMap<string, Value>) {
  return [...new Set([...stock.keys(), ...patched.keys()])].map((name) => ({
    name,
    stock: stock.get(name),
    patched: patched.get(name),
  }));
}

/** The stock image is not attested. */
const own: ReadonlySet<string> = new Set(bootStages.filter((name) => name !== 'attested'));

function mapStages({ stages }: BootResult): Map<string, number> {
  return new Map(
    stages.flatMap(({ name, state, seconds }) =>
      own.has(name) && state === 'reached' && seconds !== undefined ? [[name, seconds] as const] : [],
    ),
  );
}

function mapServices({ survey }: BootResult): Map<string, string> {
  return new Map((survey?.services ?? []).map(({ name, state }) => [name, state]));
}

const error =
  /\b(errors?|fail(s|ed|ure)?|fatal|panic|oops|BUG|segfault|cannot|can't|could not|unable|denied|not found|no such|invalid|timed out)\b/i;

/** Lines of a kernel that depend on the moment, or quote its command line. */
const unstable = /\btsc: |clocksource: |\bcommand line: |Unknown kernel command line/i;

/** Lines that tell of an error, but for their numbers unlike all of the other console. */
function listNewErrors(stock: string, patched: string): string[] {
  const known = new Set(stock.split('\n').map(shape));
  const found = new Map<string, string>();
  for (const line of patched.split('\n'))
    if (error.test(line) && !unstable.test(line) && !known.has(shape(line)) && !found.has(shape(line)))
      found.set(shape(line), line);
  return [...found.values()].slice(0, mostErrors);
}

function shape(line: string): string {
  return line
    .replace(/^\s*\[ *\d+\.\d+\] /, '')
    .replace(/0x[0-9a-f]+|\d+/gi, '#')
    .trim();
}
