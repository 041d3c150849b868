import { z } from 'zod';

interface JsonSchema {
  readonly $ref?: string;
  readonly $defs?: Readonly<Record<string, JsonSchema>>;
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly additionalProperties?: JsonSchema | boolean;
  readonly items?: JsonSchema;
  readonly anyOf?: readonly JsonSchema[];
  readonly oneOf?: readonly JsonSchema[];
}

/** The keys that a map at this path of a value may have; of all alternatives, where there are some. */
export type KeyFinder = (path: readonly PropertyKey[]) => readonly string[];

/** Finds the keys of a schema's maps, at any depth. */
export function createKeyFinder(schema: z.ZodType): KeyFinder {
  let json: JsonSchema | undefined;
  return (path) => {
    // It takes a millisecond, and most values are right.
    json ??= z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }) as JsonSchema;
    const { $defs: definitions = {} } = json;
    const unfold = (node: JsonSchema): JsonSchema[] => {
      const named = node.$ref === undefined ? undefined : definitions[node.$ref.replace(/^.*\//, '')];
      const branches = [
        ...(node.anyOf ?? []),
        ...(node.oneOf ?? []),
        ...(named === undefined ? [] : [named]),
      ];
      return [node, ...branches.flatMap(unfold)];
    };
    let nodes = unfold(json);
    for (const step of path) nodes = nodes.flatMap((node) => enter(node, step).flatMap(unfold));
    return [...new Set(nodes.flatMap(({ properties }) => Object.keys(properties ?? {})))];
  };
}

function enter({ properties, additionalProperties, items }: JsonSchema, step: PropertyKey): JsonSchema[] {
  if (typeof step === 'number') return items === undefined ? [] : [items];
  const name = String(step);
  const property = properties !== undefined && Object.hasOwn(properties, name) ? properties[name] : undefined;
  if (property !== undefined) return [property];
  return typeof additionalProperties === 'object' ? [additionalProperties] : [];
}
