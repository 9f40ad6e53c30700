/** Defaults of schemas (k8s.io/apiextensions-apiserver/pkg/apiserver/schema/defaulting). */
import { compareStrings } from '@keelson/api/patch/value';
import { prune } from './prune.ts';
import { isObject, META_FIELDS, type Structural } from './structural.ts';

/** Fills in defaults, and replaces nulls by them where null is not allowed. In place. */
export function applyDefaults(value: unknown, schema: Structural | undefined): void {
  if (!schema) return;
  if (Array.isArray(value)) {
    const list = value as unknown[];
    for (let i = 0; i < list.length; i++) {
      if (isReplaced(list[i], schema.items)) list[i] = defaultOf(schema.items!);
      applyDefaults(list[i], schema.items);
    }
  } else if (isObject(value)) {
    fillIn(value as Record<string, unknown>, schema);
  }
}

function fillIn(object: Record<string, unknown>, { properties, additional }: Structural): void {
  let isLonger = false;
  for (const [name, property] of properties) {
    if (property.default === undefined) continue;
    const isThere = Object.hasOwn(object, name);
    if (!isThere || isReplaced(object[name], property)) object[name] = defaultOf(property);
    isLonger ||= !isThere;
  }
  if (isLonger) sortMembers(object);
  const rest = typeof additional === 'object' ? additional : undefined;
  for (const name of Object.keys(object)) {
    const property = properties.get(name);
    if (!property && isReplaced(object[name], rest)) object[name] = defaultOf(rest!);
    applyDefaults(object[name], property ?? rest);
  }
}

/** Objects are written in the order of their names. */
function sortMembers(object: Record<string, unknown>): void {
  const members = Object.entries(object).sort(([a], [b]) => compareStrings(a, b));
  for (const [name] of members) delete object[name];
  for (const [name, value] of members) object[name] = value;
}

function isReplaced(value: unknown, schema: Structural | undefined): boolean {
  return value === null && schema !== undefined && !schema.nullable;
}

/** A copy; null where there is none. */
function defaultOf(schema: Structural): unknown {
  return schema.default === undefined ? null : structuredClone(schema.default);
}

/** The schema with defaults that hold nothing that it does not know. Those of metadata stay as they are. */
export function withPrunedDefaults(schema: Structural): Structural {
  const { items, additional } = schema;
  return {
    ...schema,
    default: prunedDefault(schema),
    items: items && withPrunedDefaults(items),
    additional: typeof additional === 'object' ? withPrunedDefaults(additional) : additional,
    properties: new Map(
      [...schema.properties].map(([name, property]) => {
        const isMeta = schema.embedded && META_FIELDS.has(name);
        return [name, isMeta ? property : withPrunedDefaults(property)];
      }),
    ),
  };
}

function prunedDefault(schema: Structural): unknown {
  if (typeof schema.default !== 'object') return schema.default;
  const pruned = structuredClone(schema.default);
  prune(pruned, schema);
  return pruned;
}
