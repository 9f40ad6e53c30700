/** Writes operations as path items of OpenAPI 2 and 3. */
import { fnv64, goJson } from './encoding.ts';
import type { Method, Operation, Parameter } from './operations.ts';
import { PLAIN } from './operations.ts';
import { gvk, type Json, type OpenApiVersion, reference } from './schemas.ts';

const METHOD_ORDER: readonly Method[] = ['get', 'put', 'post', 'delete', 'options', 'head', 'patch'];
const RESPONSE_TEXTS: Readonly<Record<number, string>> = {
  200: 'OK',
  201: 'Created',
  202: 'Accepted',
  401: 'Unauthorized',
};

/** What all operations of a path have in common stands once, with the path. */
function splitParameters(operations: readonly Operation[]): {
  shared: Parameter[];
  own: (o: Operation) => Parameter[];
} {
  const [first, ...others] = operations;
  const key = (p: Parameter) => `${p.in} ${p.name} ${p.description}`;
  const inAll = (p: Parameter) => others.every((o) => o.parameters.some((q) => key(q) === key(p)));
  const shared = first?.parameters.filter(inAll) ?? [];
  const keys = new Set(shared.map(key));
  return { shared, own: (o) => o.parameters.filter((p) => !keys.has(key(p))) };
}

function inOrder(operations: readonly Operation[]): Operation[] {
  return METHOD_ORDER.flatMap((method) => operations.filter((o) => o.method === method));
}

/** A path item of OpenAPI 3. */
export function writePath3(operations: readonly Operation[]): Json {
  const { shared, own } = splitParameters(operations);
  const item: Json = {};
  for (const operation of inOrder(operations)) item[operation.method] = writeOperation3(operation, own(operation));
  if (shared.length > 0) item.parameters = shared.map(writeParameter3);
  return item;
}

function writeOperation3(o: Operation, parameters: readonly Parameter[]): Json {
  return {
    tags: [o.tag],
    description: o.description,
    operationId: o.id,
    ...(parameters.length > 0 ? { parameters: parameters.map(writeParameter3) } : {}),
    ...(o.body
      ? { requestBody: { content: content(o.consumes, o.body.schema), ...(o.body.required ? { required: true } : {}) } }
      : {}),
    responses: Object.fromEntries(
      o.responses.map(({ code, schema }) => [
        code,
        {
          description: RESPONSE_TEXTS[code],
          ...(schema === undefined ? {} : { content: content(o.produces, schema) }),
        },
      ]),
    ),
    ...actionOf(o, o.action && { group: o.action.gvk[0], version: o.action.gvk[1], kind: o.action.gvk[2] }),
  };
}

function content(types: readonly string[] = [], schema: string): Json {
  return Object.fromEntries([...types].sort().map((type) => [type, { schema: schemaOf(3, schema) }]));
}

function schemaOf(version: OpenApiVersion, schema: string): Json {
  return schema === PLAIN ? { type: 'string' } : { $ref: reference(version, schema) };
}

function writeParameter3({ name, in: where, description, type }: Parameter): Json {
  return {
    name,
    in: where,
    ...(description === '' ? {} : { description }),
    ...(where === 'path' ? { required: true } : {}),
    schema: { type, uniqueItems: true },
  };
}

function actionOf({ action }: Operation, kind: Json | undefined): Json {
  return action ? { 'x-kubernetes-action': action.name, 'x-kubernetes-group-version-kind': kind } : {};
}

/**
 * The parameters that the document of OpenAPI 2 names once and refers to (kube-openapi/pkg/builder/parameters.go). Clients
 * look for some by name in each operation: those are never shared.
 */
export class SharedParameters {
  readonly #byName = new Map<string, Json>();
  readonly #names = new Map<string, string>();

  /** The parameter, or a reference to it. */
  share(parameter: Json): Json {
    const { name, in: where, schema } = parameter as { name: string; in: string; schema?: { $ref: string } };
    if (name === 'name' || (where === 'query' && (name === 'fieldValidation' || name === 'dryRun'))) return parameter;
    if (where === 'body' && !schema?.$ref.startsWith('#/definitions/io.k8s.apimachinery')) return parameter;
    return { $ref: `#/parameters/${this.#nameOf(parameter, name)}` };
  }

  #nameOf(parameter: Json, name: string): string {
    const json = goJson(parameter);
    const known = this.#names.get(json);
    if (known !== undefined) return known;
    const shared = `${name}-${fnv64(json).subarray(0, 6).toString('base64url')}`;
    this.#names.set(json, shared);
    this.#byName.set(shared, parameter);
    return shared;
  }

  /** Sorted by name. */
  all(): Json {
    return Object.fromEntries([...this.#byName].sort(([a], [b]) => (a < b ? -1 : 1)));
  }
}

/** A path item of OpenAPI 2. */
export function writePath2(operations: readonly Operation[], sharing: SharedParameters): Json {
  const { shared, own } = splitParameters(operations);
  const item: Json = {};
  for (const operation of inOrder(operations)) {
    item[operation.method] = writeOperation2(operation, own(operation), sharing);
  }
  if (shared.length > 0) item.parameters = shared.map((p) => sharing.share(writeParameter2(p)));
  return item;
}

function writeOperation2(o: Operation, own: readonly Parameter[], sharing: SharedParameters): Json {
  const written = own.map((p) => ({ name: p.name, json: writeParameter2(p) }));
  if (o.body) written.push({ name: 'body', json: writeBody2(o.body) });
  const parameters = written.sort((a, b) => (a.name < b.name ? -1 : 1)).map((p) => sharing.share(p.json));
  return {
    description: o.description,
    ...(o.consumes ? { consumes: o.consumes } : {}),
    ...(o.produces ? { produces: o.produces } : {}),
    schemes: ['https'],
    tags: [o.tag],
    operationId: o.id,
    ...(parameters.length > 0 ? { parameters } : {}),
    responses: Object.fromEntries(
      o.responses.map(({ code, schema }) => [
        code,
        { description: RESPONSE_TEXTS[code], ...(schema === undefined ? {} : { schema: schemaOf(2, schema) }) },
      ]),
    ),
    ...actionOf(o, o.action && gvk(...o.action.gvk)),
  };
}

function writeParameter2({ name, in: where, description, type }: Parameter): Json {
  return {
    uniqueItems: true,
    type,
    ...(description === '' ? {} : { description }),
    name,
    in: where,
    ...(where === 'path' ? { required: true } : {}),
  };
}

function writeBody2({ schema, required }: NonNullable<Operation['body']>): Json {
  return { name: 'body', in: 'body', ...(required ? { required: true } : {}), schema: schemaOf(2, schema) };
}
