/**
 * Generates packages/apiserver/src/generated/openapi.json: the schemas and query parameters of the OpenAPI documents in
 * the notation of packages/apiserver/src/openapi/notation.ts, without any of upstream's sentences. In the place of each
 * stands the number of a fingerprint, by which scripts/build-openapi.ts finds the sentence in a dependency. Paths are not
 * in it: they follow from the resources.
 * Inputs: the OpenAPI v3 documents below `--shared`; facts/openapi-enums.json (the values of enumerated strings, which
 * those documents leave out) and facts/openapi-former.json (fields of kinds that are not served any more, whose texts
 * describe columns of tables).
 *
 *   node scripts/generate-openapi.ts [--shared ../shared]
 */
import fs from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import type {
  CompactEnum,
  CompactOpenApi,
  CompactParameter,
  CompactSchema,
} from '../packages/apiserver/src/openapi/notation.ts';
import { fingerprint, gapsOf } from '../packages/apiserver/src/openapi/texts.ts';

interface Schema {
  $ref?: string;
  allOf?: { $ref: string }[];
  oneOf?: { type: string }[];
  type?: string;
  format?: string;
  description?: string;
  default?: unknown;
  properties?: Record<string, Schema>;
  required?: string[];
  items?: Schema;
  additionalProperties?: Schema;
  'x-kubernetes-group-version-kind'?: { group: string; version: string; kind: string }[];
  'x-kubernetes-list-type'?: string;
  'x-kubernetes-list-map-keys'?: string[];
  'x-kubernetes-map-type'?: string;
  'x-kubernetes-patch-strategy'?: string;
  'x-kubernetes-patch-merge-key'?: string;
  'x-kubernetes-unions'?: unknown;
}
interface Parameter {
  name: string;
  in: string;
  description: string;
  schema: { type: string };
}
interface Operation {
  parameters?: Parameter[];
  responses?: Record<string, unknown>;
  'x-kubernetes-action'?: string;
  'x-kubernetes-group-version-kind'?: { kind: string };
}
interface Document {
  paths: Record<string, Record<string, Operation> & { parameters?: Parameter[] }>;
  components?: { schemas?: Record<string, Schema> };
}
interface EnumFact {
  values: string[];
  texts?: string[];
  blankLines?: number;
}

const root = path.resolve(import.meta.dirname, '..');
const { values } = parseArgs({ options: { shared: { type: 'string', default: path.join(root, '../shared') } } });
const dir = path.join(values.shared, 'kubernetes-1.36/openapi/v3');
const documents = fs.readdirSync(dir).map((f) => JSON.parse(fs.readFileSync(path.join(dir, f), 'utf8')) as Document);
const enums = JSON.parse(fs.readFileSync(path.join(import.meta.dirname, 'facts/openapi-enums.json'), 'utf8')) as Record<
  string,
  EnumFact
>;

const REF = '#/components/schemas/';
/** Their lists of groups and versions follow from what the server knows. */
const GVKS_DERIVED = /\.meta\.v1\.(DeleteOptions|WatchEvent)$/;

/** Number 0 is no text. */
const texts: CompactOpenApi['texts'] = [''];
const textNumbers = new Map<string, number>();

function textNumber(text: string | undefined): number {
  if (!text) return 0;
  const known = textNumbers.get(text);
  if (known !== undefined) return known;
  const gaps = gapsOf(text);
  return addText(text, gaps.length === 0 ? fingerprint(text) : [fingerprint(text), ...gaps]);
}

function addText(key: string, entry: CompactOpenApi['texts'][number]): number {
  const known = textNumbers.get(key);
  if (known !== undefined) return known;
  textNumbers.set(key, texts.length);
  return texts.push(entry) - 1;
}

/** @param name of the definition, or `definition.property`, under which enum facts are filed */
function compact(schema: Schema, name: string): CompactSchema {
  const ref = schema.$ref ?? schema.allOf?.[0]?.$ref;
  const gvks = GVKS_DERIVED.test(name) ? undefined : schema['x-kubernetes-group-version-kind'];
  const enumFact = enums[name];
  const entries: [keyof CompactSchema, unknown][] = [
    ['$', ref?.slice(REF.length)],
    ['t', schema.type],
    ['f', schema.format],
    ['d', textNumber(schema.description) || undefined],
    ['D', schema.default],
    ['e', enumFact && compactEnum(enumFact)],
    ['o', schema.oneOf?.map((s) => s.type)],
    ['r', schema.required],
    ['i', schema.items && compact(schema.items, `${name}[]`)],
    ['a', schema.additionalProperties && compact(schema.additionalProperties, `${name}{}`)],
    ['l', schema['x-kubernetes-list-type']],
    ['m', schema['x-kubernetes-list-map-keys']],
    ['M', schema['x-kubernetes-map-type']],
    ['s', schema['x-kubernetes-patch-strategy']],
    ['K', schema['x-kubernetes-patch-merge-key']],
    ['u', schema['x-kubernetes-unions']],
    ['k', gvks?.map((g) => [g.group, g.version, g.kind])],
    ['p', schema.properties && mapValues(schema.properties, (p, key) => compact(p, `${name}.${key}`))],
  ];
  return Object.fromEntries(entries.filter(([, value]) => value !== undefined)) as CompactSchema;
}

function compactEnum({ values, texts, blankLines }: EnumFact): CompactEnum {
  const numbers = texts?.map((print) => (print === '' ? 0 : addText(`print ${print}`, print)));
  return [values, numbers ?? [], blankLines ?? 1];
}

function mapValues<T, U>(record: Record<string, T>, f: (value: T, key: string) => U): Record<string, U> {
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [key, f(value, key)]));
}

const schemas: Record<string, CompactSchema> = {};
for (const document of documents) {
  for (const [name, schema] of Object.entries(document.components?.schemas ?? {}))
    schemas[name] ??= compact(schema, name);
}

const former = JSON.parse(
  fs.readFileSync(path.join(import.meta.dirname, 'facts/openapi-former.json'), 'utf8'),
) as Record<string, Record<string, [print: string, ...gaps: (number | string)[]]>>;
for (const [name, fields] of Object.entries(former)) {
  schemas[name] = { p: mapValues(fields, (entry) => ({ d: addText(`former ${entry[0]}`, entry) })) };
}

/** Parameters by where they stand: those of connect subresources and logs by the kind of their options, those of PATCH apart. */
const parameters: Record<string, Record<string, CompactParameter>> = {};
for (const document of documents) {
  for (const [url, item] of Object.entries(document.paths)) {
    const { parameters: shared = [], ...operations } = item;
    for (const operation of Object.values(operations)) {
      const owner = parameterOwner(url, operation);
      const owned = parameters[owner] ?? {};
      parameters[owner] = owned;
      for (const { name, in: where, description, schema } of [...shared, ...(operation.parameters ?? [])]) {
        if (where === 'query') owned[name] ??= [schema.type, textNumber(description)];
      }
    }
  }
}

function parameterOwner(url: string, operation: Operation): string {
  const kind = operation['x-kubernetes-group-version-kind']?.kind ?? '';
  const action = operation['x-kubernetes-action'];
  if (action === 'connect') return kind;
  if (url.endsWith('/log')) return 'PodLogOptions';
  return action === 'patch' ? 'patch' : '';
}

/** Resources of which DELETE answers with the object, not with a Status. */
const returnedOnDelete = new Set<string>();
for (const document of documents) {
  for (const [url, { delete: operation }] of Object.entries(document.paths)) {
    if (operation?.['x-kubernetes-action'] !== 'delete') continue;
    const resource = url.split('/').at(-2)!;
    const group = url.startsWith('/apis/') ? `.${url.split('/')[2]}` : '';
    if (!JSON.stringify(operation.responses?.['200']).includes('.meta.v1.Status'))
      returnedOnDelete.add(`${resource}${group}`);
  }
}

const sorted = <T>(record: Record<string, T>) => Object.entries(record).sort(([a], [b]) => (a < b ? -1 : 1));
const lines = (entries: [string, unknown][]) => entries.map(([k, v]) => `${JSON.stringify(k)}:${JSON.stringify(v)}`);
const output = [
  '{"schemas":{',
  lines(sorted(schemas)).join(',\n'),
  '},"parameters":{',
  lines(sorted(parameters)).join(',\n'),
  `},"returnedOnDelete":${JSON.stringify([...returnedOnDelete].sort())},`,
  '"texts":[',
  texts.map((t) => JSON.stringify(t)).join(',\n'),
  ']}',
];
fs.writeFileSync(path.join(root, 'packages/apiserver/src/generated/openapi.json'), `${output.join('\n')}\n`);
