/** What the schema does not know is dropped (k8s.io/apiextensions-apiserver/pkg/apiserver/schema/pruning). */
import { compareStrings } from '@keelson/api/codec/go-order';
import { isObject, META_FIELDS, memberOf, type Structural } from './structural.ts';

/**
 * In place.
 * @param schema undefined: nothing is known of the value
 * @returns the paths of what was dropped, sorted
 */
export function prune(value: unknown, schema: Structural | undefined): string[] {
  const dropped: string[] = [];
  visit(value, schema, '', dropped);
  return dropped.sort(compareStrings);
}

function visit(value: unknown, schema: Structural | undefined, path: string, dropped: string[]): void {
  if (schema?.preserves) keep(value, schema, path, dropped);
  else if (Array.isArray(value)) {
    for (const [i, item] of value.entries())
      if (isContainer(item)) visit(item, schema?.items, `${path}[${i}]`, dropped);
  } else if (isObject(value)) {
    const object = value as Record<string, unknown>;
    for (const name of Object.keys(object)) {
      if (schema?.embedded && META_FIELDS.has(name)) continue;
      const member = schema && memberOf(schema, name);
      if (member === undefined) {
        if (path !== '' || !META_FIELDS.has(name)) dropped.push(childPath(path, name));
        delete object[name];
      } else if (isContainer(object[name])) {
        visit(object[name], schemaOf(member), childPath(path, name), dropped);
      }
    }
  }
}

/** Where unknown fields are preserved, known ones are still looked at. */
function keep(value: unknown, schema: Structural | undefined, path: string, dropped: string[]): void {
  if (!schema) return;
  if (Array.isArray(value)) {
    for (const [i, item] of value.entries()) if (isContainer(item)) keep(item, schema.items, `${path}[${i}]`, dropped);
  } else if (isObject(value)) {
    for (const [name, inner] of Object.entries(value)) {
      if (schema.embedded && META_FIELDS.has(name)) continue;
      const member = memberOf(schema, name);
      if (member !== undefined && isContainer(inner)) visit(inner, schemaOf(member), childPath(path, name), dropped);
    }
  }
}

function isContainer(value: unknown): boolean {
  return typeof value === 'object' && value !== null;
}

/** Of what may be there without a schema nothing is known. */
function schemaOf(member: Structural | boolean): Structural | undefined {
  return typeof member === 'object' ? member : undefined;
}

function childPath(path: string, name: string): string {
  return path === '' ? name : `${path}.${name}`;
}

/** Drops members that are null where null is not allowed and no default takes its place. In place. */
export function pruneNulls(value: unknown, schema: Structural | undefined): void {
  if (Array.isArray(value)) {
    for (const item of value) pruneNulls(item, schema?.items);
  } else if (isObject(value)) {
    const object = value as Record<string, unknown>;
    for (const name of Object.keys(object)) {
      const member = schema && memberOf(schema, name);
      const inner = typeof member === 'object' ? member : undefined;
      if (object[name] === null && inner && !inner.nullable && inner.default === undefined) delete object[name];
      else pruneNulls(object[name], inner);
    }
  }
}
