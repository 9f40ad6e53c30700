/** Defaults of schemas (k8s.io/apiextensions-apiserver/pkg/apiserver/schema/defaulting). */
import { compareStrings } from '@keelson/api/codec/go-order';
import { prune } from './prune.ts';
import { META_FIELDS, type Structural } from './structural.ts';

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
