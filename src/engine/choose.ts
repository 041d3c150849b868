import { MobyPatchError } from '../model/error/error.js';
import type { Engine, EngineName } from '../model/patch/engine.js';
import type { Need } from '../model/patch/workspace.js';

export interface ChosenEngine {
  readonly engine: Engine;
  /** Why this one, in one sentence. */
  readonly reason: string;
}

interface Among {
  readonly needs: readonly Need[];
  readonly engines: readonly Engine[];
  /** Ends a trial. */
  readonly signal?: AbortSignal | undefined;
}

export interface EngineChoice extends Among {
  readonly wanted: EngineName | 'auto';
}

/**
 * The engine for a plan with these needs. `auto` is the first of `engines` that offers all of them and is ready.
 * Errors (`infrastructure`): `no-engine`, `engine-not-ready`; (`invalid`): `engine-unfit`.
 */
export async function chooseEngine({ wanted, ...among }: EngineChoice): Promise<ChosenEngine> {
  return wanted === 'auto' ? chooseReady(among) : chooseNamed(wanted, among);
}

async function chooseReady({ needs, engines, signal }: Among): Promise<ChosenEngine> {
  const refusals: string[] = [];
  const hints: string[] = [];
  for (const engine of engines.filter((candidate) => fits(candidate, needs))) {
    const { ready, reason, hint } = await engine.probe(signal);
    if (ready) return { engine, reason: [describeNeeds(needs), ...refusals, reason].join('; ') };
    refusals.push(`${engine.name}: ${reason}`);
    if (hint !== undefined) hints.push(hint);
  }
  throw new MobyPatchError(
    'infrastructure',
    'no-engine',
    `${describeNeeds(needs)}, and no engine can run them: ${refusals.join('; ')}`,
    {
      hint: hints.join('; or ') || undefined,
    },
  );
}

async function chooseNamed(wanted: EngineName, { needs, engines, signal }: Among): Promise<ChosenEngine> {
  const engine = engines.find((candidate) => candidate.name === wanted);
  if (engine === undefined || !fits(engine, needs)) {
    throw new MobyPatchError(
      'invalid',
      'engine-unfit',
      `the engine ${wanted} cannot do it: ${describeNeeds(needs)}`,
      { hint: 'use --engine auto' },
    );
  }
  if (needs.length === 0)
    return { engine, reason: 'chosen by name; no step needs commands, so it starts nothing' };
  const { ready, reason, hint } = await engine.probe(signal);
  if (ready) return { engine, reason: `chosen by name; ${reason}` };
  const others = engines.filter((other) => other !== engine && fits(other, needs));
  const instead = await findReady(others, signal);
  const hints = [hint, instead && `use --engine ${instead.name}`].filter((each) => each !== undefined);
  throw new MobyPatchError(
    'infrastructure',
    'engine-not-ready',
    `the engine ${wanted} is not ready: ${reason}`,
    { hint: hints.join('; or ') || undefined },
  );
}

/** Finds another engine that is ready, so that the hint never names one that is not. */
async function findReady(
  engines: readonly Engine[],
  signal: AbortSignal | undefined,
): Promise<Engine | undefined> {
  for (const engine of engines) if ((await engine.probe(signal)).ready) return engine;
  return undefined;
}

function fits(engine: Engine, needs: readonly Need[]): boolean {
  return needs.every((need) => engine.offers.includes(need));
}

function describeNeeds(needs: readonly Need[]): string {
  return needs.length === 0 ? 'no step needs commands' : `the steps need ${needs.join(' and ')}`;
}
