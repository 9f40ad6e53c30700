/** A document of OpenAPI 2 as one of version 3, for servers that have none of that (kube-openapi/pkg/openapiconv). */
import { Lazy } from './lazy.ts';
import type { Spec2 } from './merge.ts';
import type { Json } from './schemas.ts';

const METHODS = ['get', 'put', 'post', 'delete', 'options', 'head', 'patch'] as const;
const KEPT = ['tags', 'summary', 'description', 'externalDocs', 'operationId', 'deprecated'] as const;
const OF_PARAMETER = ['name', 'in', 'description', 'required', 'allowEmptyValue'] as const;
const OF_VALUE = ['type', 'format', 'uniqueItems'] as const;

/** Where parts that are referred to stand, in either version. */
const PLACES = [
  ['#/definitions/', '#/components/schemas/'],
  ['#/parameters/', '#/components/parameters/'],
  ['#/responses/', '#/components/responses/'],
] as const;

/** Bounds and examples of parameters, which version 2 has no schemas for, are lost as they are upstream. */
export function toVersion3({ info, paths, definitions, parameters, securityDefinitions }: Spec2): Lazy {
  return Lazy.of({
    openapi: '3.0.0',
    info,
    paths: later(paths, pathItem),
    components: Lazy.of({
      schemas: later(definitions, schema),
      parameters: later(parameters, parameter),
      securitySchemes: securityDefinitions,
    }),
  });
}

function pathItem(item: Json): Json {
  const operations = METHODS.flatMap((method) => (isObject(item[method]) ? [[method, operation(item[method])]] : []));
  return { ...extensions(item), ...Object.fromEntries(operations), ...parametersOf(item) };
}

function operation(of: Json): Json {
  const body = list(of.parameters).find(isBody);
  return {
    ...extensions(of),
    ...picked(of, KEPT),
    ...parametersOf(of),
    ...(body ? { requestBody: { content: content(of.consumes, body) } } : {}),
    responses: eachOf(isObject(of.responses) ? of.responses : {}, (each) => response(each, of.produces)),
  };
}

function parametersOf({ parameters }: Json): Json {
  const others = list(parameters).filter((each) => !isBody(each));
  return others.length > 0 ? { parameters: others.map(parameter) } : {};
}

const isBody = ({ name, schema: of }: Json) => name === 'body' && of !== undefined;

function parameter(of: Json): Json {
  if (typeof of.$ref === 'string') return { $ref: moved(of.$ref) };
  const value = isObject(of.schema) ? schema(of.schema) : picked(of, OF_VALUE);
  return { ...extensions(of), ...picked(of, OF_PARAMETER), schema: value };
}

function response(of: Json, produces: unknown): Json {
  if (typeof of.$ref === 'string') return { $ref: moved(of.$ref) };
  const what = of.schema === undefined ? {} : { content: content(produces, of) };
  return { ...extensions(of), description: of.description ?? '', ...what };
}

/** The same in each media type. */
function content(types: unknown, { schema: of }: Json): Json {
  const made = isObject(of) ? schema(of) : {};
  return Object.fromEntries((Array.isArray(types) ? types : []).map((type) => [type, { schema: made }]));
}

/** A reference stands alone in version 3: what is said beside it is said of all that it is. */
function schema(of: Json): Json {
  const members = Object.fromEntries(Object.entries(of).map(([name, value]) => [name, within(value)]));
  if (typeof of.$ref !== 'string') return members;
  const { $ref: _, ...rest } = members;
  const reference = { $ref: moved(of.$ref) };
  return Object.keys(rest).length > 0 ? { ...rest, allOf: [reference] } : reference;
}

function within(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(within);
  return isObject(value) ? schema(value) : value;
}

function moved(reference: string): string {
  const place = PLACES.find(([before]) => reference.startsWith(before));
  return place ? place[1] + reference.slice(place[0].length) : reference;
}

const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const list = (value: unknown): Json[] => (Array.isArray(value) ? value.filter(isObject) : []);

const picked = (of: Json, names: readonly string[]): Json =>
  Object.fromEntries(names.flatMap((name) => (of[name] === undefined ? [] : [[name, of[name]]])));

const extensions = (of: Json): Json => Object.fromEntries(Object.entries(of).filter(([name]) => name.startsWith('x-')));

const later = (members: Readonly<Record<string, unknown>>, convert: (each: Json) => Json): Lazy =>
  new Lazy(
    Object.entries(members).flatMap(([name, each]) => (isObject(each) ? [[name, () => convert(each)] as const] : [])),
  );

const eachOf = (members: Json, convert: (each: Json) => Json): Json =>
  Object.fromEntries(
    Object.entries(members).flatMap(([name, each]) => (isObject(each) ? [[name, convert(each)]] : [])),
  );
