import { MobyPatchError } from '../../model/error/error.js';
import type { Patch, Position } from '../../model/patch/patch.js';
import type { Places } from '../../model/session.js';
import { findPatch } from '../../patch/language/find-patches.js';
import { loadPatch } from '../../patch/language/load-patch.js';
import { listSettingNames, tryParameters } from '../../patch/language/parameters.js';
import { addUsed, findConflicts } from '../../patch/language/used-patches.js';
import { dropShared } from '../../setup/choose-settings.js';
import { type LoadedConfiguration, loadConfiguration } from '../../setup/configuration.js';
import { locatePatch } from '../../setup/named-patches.js';
import { placesOf } from '../../setup/reading-session.js';
import { expandTargets } from '../../setup/targets/expand-targets.js';
import { suggest } from '../../yaml/did-you-mean.js';
import { formatPosition, type Problem, problemsOf } from '../../yaml/problems.js';

type Locate = (path: readonly PropertyKey[]) => Position;

/** The configuration and its targets with the patches that they name: whether they are there, take the settings and go together. */
export async function checkConfiguration(folder: string, places: Places): Promise<readonly Problem[]> {
  const loaded = await loadConfiguration(folder, undefined);
  if (loaded.locate === undefined) return [];
  const problems = await checkBuild(loaded, { places, locate: loaded.locate });
  if (loaded.values.targets === undefined) return problems;
  return dropTwins([...problems, ...(await checkTargets(loaded, places))]);
}

/** What is wrong with all targets is one problem at its place. */
async function checkTargets(loaded: LoadedConfiguration, places: Places): Promise<Problem[]> {
  const problems: Problem[] = [];
  try {
    for (const { configuration } of expandTargets(loaded)) {
      const { locate } = configuration;
      if (locate !== undefined) problems.push(...(await checkBuild(configuration, { places, locate })));
    }
  } catch (error) {
    problems.push(
      ...explain(error, loaded.locate?.(['targets']) ?? { file: loaded.folder, line: 1, column: 1 }),
    );
  }
  return problems;
}

function dropTwins(problems: readonly Problem[]): Problem[] {
  return [...new Map(problems.map((each) => [`${formatPosition(each.at)} ${each.text}`, each])).values()];
}

interface CheckOptions {
  readonly places: Places;
  readonly locate: Locate;
}

async function checkBuild(
  { folder, values, shared }: LoadedConfiguration,
  { places, locate }: CheckOptions,
): Promise<readonly Problem[]> {
  const roots = placesOf(folder, places).patches;
  const named: Patch[] = [];
  const problems: Problem[] = [];
  for (const [index, name] of (values.patches ?? []).entries()) {
    try {
      named.push(await loadPatch(await findPatch(locatePatch(name, folder), roots)));
    } catch (error) {
      problems.push(...explain(error, locate(['patches', index])));
    }
  }
  const isWhole = problems.length === 0;
  const { patches, problems: others } = await addUsed(named, roots);
  problems.push(...others, ...findConflicts(patches));
  if (isWhole)
    problems.push(...checkSettings(patches, dropShared(values.settings ?? {}, shared, patches), locate));
  return problems;
}

function explain(error: unknown, at: Position): readonly Problem[] {
  const problems = problemsOf(error);
  if (problems !== undefined) return problems;
  if (!(error instanceof MobyPatchError)) throw error;
  return [{ at, code: 'uses-wrong', text: `patches: ${error.message}`, hint: error.hint }];
}

/** A missing value is no problem: the command line can supply it. */
function checkSettings(
  patches: readonly Patch[],
  settings: Readonly<Record<string, string>>,
  locate: Locate,
): Problem[] {
  const names = listSettingNames(patches);
  const unknown = Object.keys(settings)
    .filter((name) => !names.has(name))
    .map((name): Problem => {
      const text = `settings: found ${JSON.stringify(name)}${suggest(name, names)}, wanted a parameter of the patches`;
      return { at: locate(['settings', name]), code: 'setting-unknown', text };
    });
  const wrong = patches.flatMap((patch) =>
    tryParameters(patch, settings).problems.flatMap(({ code, text, name }): Problem[] => {
      const key = Object.hasOwn(settings, `${patch.id}.${name}`) ? `${patch.id}.${name}` : name;
      return code === 'parameter-value' && Object.hasOwn(settings, key)
        ? [{ at: locate(['settings', key]), code, text }]
        : [];
    }),
  );
  return [...unknown, ...wrong];
}
