/** What is declared of a kind: of built-in ones here, of others in the server's OpenAPI documents. */
import type { JSONSchemaProps } from '@keelson/api/generated/types/apiextensions/v1';
import { apiVersionOf, type GroupVersionKind } from '@keelson/api/object';
import { typeOfKind } from '@keelson/api/schema';
import { type Declared, fromBuiltin, fromSchema } from '@keelson/cel';
import { type Client, hasReason } from '@keelson/client';
import { readObject } from '@keelson/client/rest/json';

/** A schema that may stand for another. */
export interface Referring extends Omit<JSONSchemaProps, 'properties' | 'additionalProperties' | 'items' | 'allOf'> {
  readonly $ref?: string;
  readonly allOf?: readonly Referring[];
  readonly properties?: Readonly<Record<string, Referring>>;
  readonly additionalProperties?: Referring | boolean;
  readonly items?: Referring;
  readonly 'x-kubernetes-group-version-kind'?: readonly GroupVersionKind[];
}

type Components = Readonly<Record<string, Referring>>;

const PREFIX = '#/components/schemas/';

/** @param name of the type. @returns undefined where nothing is declared */
export async function declarationOf(
  client: Client,
  wanted: GroupVersionKind,
  name: string,
): Promise<Declared | undefined> {
  const { group, version, kind } = wanted;
  const builtin = typeOfKind(group, version, kind);
  if (builtin) return fromBuiltin(builtin, name);
  const components = await componentsOf(client, wanted);
  const root = Object.values(components).find((schema) =>
    schema['x-kubernetes-group-version-kind']?.some(
      (each) => each.group === group && each.version === version && each.kind === kind,
    ),
  );
  return root && fromSchema(resolved(root, components), { name, resourceRoot: true });
}

async function componentsOf(client: Client, { group, version }: GroupVersionKind): Promise<Components> {
  const path = `/openapi/v3/${group === '' ? 'api' : 'apis'}/${apiVersionOf({ group, version })}`;
  const subject = { verb: 'get', group: '', resource: path, name: '' };
  try {
    const document = await client.call({ method: 'GET', path, subject }, ({ body }) => readObject(body));
    return (document as { components?: { schemas?: Components } }).components?.schemas ?? {};
  } catch (error) {
    if (hasReason(error, 'NotFound')) return {};
    throw error;
  }
}

/** With what it refers to in place of the references. One to itself becomes an object of which nothing is known. */
export function resolved(
  schema: Referring,
  components: Components,
  within: ReadonlySet<string> = new Set(),
): JSONSchemaProps {
  const reference = referenceOf(schema);
  if (reference !== undefined) {
    const target = components[reference.slice(PREFIX.length)];
    if (within.has(reference)) return { type: 'object' };
    return target ? resolved(target, components, new Set([...within, reference])) : {};
  }
  const { $ref: _, allOf: __, properties, additionalProperties, items, ...own } = schema;
  const resolve = (each: Referring) => resolved(each, components, within);
  return {
    ...own,
    ...(properties
      ? { properties: Object.fromEntries(Object.entries(properties).map(([name, each]) => [name, resolve(each)])) }
      : {}),
    ...(typeof additionalProperties === 'object' ? { additionalProperties: resolve(additionalProperties) } : {}),
    ...(items ? { items: resolve(items) } : {}),
  };
}

/** A reference with a description beside it stands in `allOf`. */
function referenceOf({ $ref, allOf = [] }: Referring): string | undefined {
  return $ref ?? allOf.map(referenceOf).find((reference) => reference !== undefined);
}
