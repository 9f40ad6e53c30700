/** Defaults of schemas (k8s.io/apiextensions-apiserver/pkg/apiserver/schema/defaulting). */
import { compareStrings } from '@keelson/api/codec/go-order';
import { Path } from '@keelson/api/field';
import { coerceEmbedded } from './embedded.ts';
import { prune } from './prune.ts';
import { asResource, type Structural } from './structural.ts';

/** Fills in defaults, and replaces nulls by them where null is not allowed. In place. */
export function applyDefaults(object: Record<string, unknown>, schema: Structural | undefined): void {
  const complete = completed(object, schema) as Record<string, unknown>;
  if (complete === object) return;
  for (const name of Object.keys(object)) delete object[name];
  Object.assign(object, complete);
}

/** @returns the value, changed in place, or another where an object has got members: they stand in the order of their names */
function completed(value: unknown, schema: Structural | undefined): unknown {
  if (!schema?.holds.defaults || typeof value !== 'object' || value === null) return value;
  if (!Array.isArray(value)) return completedObject(value as Record<string, unknown>, schema);
  const list = value as unknown[];
  for (const [i, item] of list.entries())
    list[i] = completed(isReplaced(item, schema.items) ? defaultOf(schema.items!) : item, schema.items);
  return list;
}

function completedObject(object: Record<string, unknown>, { properties, additional }: Structural): object {
  const added: [string, unknown][] = [];
  for (const [name, property] of properties) {
    if (property.default === undefined) continue;
    if (!Object.hasOwn(object, name)) added.push([name, completed(defaultOf(property), property)]);
    else if (isReplaced(object[name], property)) object[name] = defaultOf(property);
  }
  const rest = typeof additional === 'object' ? additional : undefined;
  for (const [name, member] of Object.entries(object)) {
    const property = properties.get(name);
    const given = !property && isReplaced(member, rest) ? defaultOf(rest!) : member;
    const complete = completed(given, property ?? rest);
    if (complete !== member) object[name] = complete;
  }
  if (added.length === 0) return object;
  return Object.fromEntries([...Object.entries(object), ...added].sort(([a], [b]) => compareStrings(a, b)));
}

function isReplaced(value: unknown, schema: Structural | undefined): boolean {
  return value === null && schema !== undefined && !schema.nullable;
}

/** A copy; null where there is none. */
function defaultOf(schema: Structural): unknown {
  return schema.default === undefined ? null : structuredClone(schema.default);
}

/** From an object to what lies in it: the name of a member, or of an item its index. */
type Step = string | number;

/** The schema of an object with defaults that hold nothing that it does not know, nor what metadata of resources does not. */
export function withPrunedDefaults(schema: Structural): Structural {
  const root = asResource(schema);
  const visit = (given: Structural, steps: readonly Step[]): Structural => {
    if (!given.holds.defaults) return given;
    const { items, additional, properties } = given;
    return {
      ...given,
      default: prunedDefault(given.default, steps, root),
      items: items && visit(items, [...steps, 0]),
      additional: typeof additional === 'object' ? visit(additional, [...steps, '*']) : additional,
      properties: new Map([...properties].map(([name, property]) => [name, visit(property, [...steps, name])])),
    };
  };
  return visit(schema, []);
}

/** What is left of a default within an object that holds nothing else; undefined: nothing. */
function prunedDefault(value: unknown, steps: readonly Step[], root: Structural): unknown {
  if (value === undefined) return undefined;
  const object = steps.reduceRight<unknown>(
    (inner, step) => (typeof step === 'number' ? [inner] : { [step]: inner }),
    structuredClone(value),
  );
  coerceEmbedded(object, root, Path.root, true);
  prune(object, root);
  return steps.reduce<unknown>((outer, step) => memberAt(outer, step), object);
}

function memberAt(value: unknown, step: Step): unknown {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, step)
    ? (value as Record<Step, unknown>)[step]
    : undefined;
}
