import type { Parameter } from '../../model/patch/patch.js';
import { describeValue } from '../../yaml/describe-issue.js';
import { suggest } from '../../yaml/did-you-mean.js';
import type { ProblemCode } from '../../yaml/problem-code.js';
import type { Problem } from '../../yaml/problems.js';
import type { YamlValue } from '../../yaml/read-yaml.js';
import type { StepDefinition } from '../steps/definition.js';
import { stepDefinitions } from '../steps/registry.js';
import { findPlaceholders, walkStrings } from './placeholders.js';
import { nameVariable } from './variables.js';

type Parameters = Readonly<Record<string, Parameter>>;
type Path = readonly PropertyKey[];

/** Every placeholder that names no parameter, or stands where none is filled in. */
export function checkPlaceholders(
  yaml: YamlValue,
  written: Readonly<Record<string, unknown>>,
  parameters: Parameters,
): Problem[] {
  return ['steps', 'expects', 'when'].flatMap((part) =>
    [...walkStrings(written[part])].flatMap(([inside, text]) => {
      const path = [part, ...inside];
      const problems = checkText(text, describePlace(written, path), parameters);
      const at = problems.length === 0 ? undefined : yaml.locate(path);
      return at === undefined ? [] : problems.map((problem) => ({ at, ...problem }));
    }),
  );
}

interface Place {
  /** Absent in an expectation. */
  readonly step?: WrittenStep | undefined;
  /** Leads to the text from the step's value. */
  readonly inside: Path;
}

interface WrittenStep {
  readonly definition: StepDefinition;
  readonly value: unknown;
}

function describePlace(written: unknown, [part, index, kind, ...inside]: Path): Place {
  const definition = part === 'steps' ? stepDefinitions.get(String(kind)) : undefined;
  if (definition === undefined) return { inside };
  const steps = (written as Record<string, readonly Record<string, unknown>[]>)[String(part)];
  return { step: { definition, value: steps?.[Number(index)]?.[String(kind)] }, inside };
}

interface Found {
  readonly code: ProblemCode;
  readonly text: string;
}

function checkText(text: string, place: Place, parameters: Parameters): Found[] {
  const { names, changed, malformed } = findPlaceholders(text);
  const isCode = place.step?.definition.shell?.isCode(place.inside, place.step.value) ?? false;
  const wrong = (each: string): Found => ({ code: 'placeholder-wrong', text: each });
  const secret = (each: string): Found => ({ code: 'secret-place', text: each });
  return [
    ...names.flatMap((name): Found[] => {
      const parameter = Object.hasOwn(parameters, name) ? parameters[name] : undefined;
      if (parameter === undefined)
        return [
          wrong(
            `found \${${name}}${suggest(name, Object.keys(parameters))}, wanted a parameter (there is: ${listNames(parameters)}), or $\${${name}} for the text itself`,
          ),
        ];
      if (isCode) return [wrong(explainCode(name, parameter))];
      if (!parameter.secret) return [];
      if (changed.includes(name))
        return [secret(`found a function of the secret ${name}, wanted the secret as it is: \${${name}}`)];
      return explainSecret(name, place).map(secret);
    }),
    ...malformed.map((placeholder) =>
      wrong(
        `found ${describeValue(placeholder)}, wanted \${NAME}, a function of it (\${lower(NAME)}, \${basename(NAME)}, \${join(NAME, " ")}), or $\${ for a literal \${`,
      ),
    ),
    ...(isCode ? findUnlisted(text, place, parameters).map(secret) : []),
  ];
}

/** Parameters that a message names. */
const mostNames = 20;

function listNames(parameters: Parameters): string {
  const names = Object.keys(parameters);
  if (names.length > mostNames)
    return `${names.slice(0, mostNames).join(', ')} and ${names.length - mostNames} more`;
  return names.join(', ') || 'none';
}

/** A value in the text of a script would be a part of the script: `x; reboot` two commands. */
function explainCode(name: string, { secret }: Parameter): string {
  const variable = nameVariable(name);
  const listed = secret ? `, and secrets: [${name}] in the step` : '';
  return `found \${${name}} in the text of a script, wanted "$${variable}"${listed}: parameters are variables there, and nothing is filled in (with braces: "$\${${variable}}")`;
}

function explainSecret(name: string, { step, inside: [field] }: Place): string[] {
  const rule = step?.definition.secrets;
  const places = 'the content of a file, options of a mount, or secrets: [...] of a run';
  if (step === undefined)
    return [
      `found the secret ${name} in an expectation or a condition, which reports and the console show; wanted another text`,
    ];
  if (rule === undefined || !rule.fields.includes(String(field)))
    return [`found the secret ${name} where it would be shown or stored, wanted it in ${places}`];
  const { 'stores-secret': stores } = step.value as { readonly 'stores-secret'?: unknown };
  if (!rule.writes || stores === true) return [];
  return [
    `found the secret ${name} in what this step writes into the image, wanted "stores-secret: true" beside it: everybody who has the image can read it there`,
  ];
}

/** Without its entry in `secrets` the variable would be empty, and the script would go on with that. */
function findUnlisted(text: string, { step }: Place, parameters: Parameters): string[] {
  const { secrets } = (step?.value ?? {}) as { readonly secrets?: unknown };
  const listed = Array.isArray(secrets) ? secrets : [];
  return Object.entries(parameters).flatMap(([name, { secret }]) => {
    if (!secret || listed.includes(name)) return [];
    const variable = nameVariable(name);
    const isUsed =
      new RegExp(`\\$\\{?${variable}\\b`).test(text) && !new RegExp(`\\b${variable}=`).test(text);
    if (!isUsed) return [];
    return [
      `found $${variable}, but the step does not get this secret; wanted secrets: [${name}] in the step`,
    ];
  });
}

/** Entries of `secrets` that are no secret of the patch. */
export function checkSecretLists(
  yaml: YamlValue,
  written: Readonly<Record<string, unknown>>,
  parameters: Parameters,
): Problem[] {
  const steps = Array.isArray(written.steps) ? written.steps : [];
  return steps.flatMap((step, index) =>
    Object.entries((step ?? {}) as Record<string, unknown>).flatMap(([kind, value]) => {
      const { secrets } = (value ?? {}) as { readonly secrets?: unknown };
      if (stepDefinitions.get(kind)?.secrets === undefined || !Array.isArray(secrets)) return [];
      return secrets.flatMap((name, item): Problem[] => {
        const parameter = Object.hasOwn(parameters, String(name)) ? parameters[String(name)] : undefined;
        if (parameter?.secret) return [];
        const at = yaml.locate(['steps', index, kind, 'secrets', item]);
        const text =
          parameter === undefined
            ? `found ${describeValue(name)}, wanted a parameter with secret: true`
            : `found ${name}, wanted a parameter with secret: true: the script gets all others anyway`;
        return [{ at, code: 'secret-place', text }];
      });
    }),
  );
}
