/** Schemas of the compact notation as OpenAPI has them, keys in the order in which upstream writes them. */
import { allKinds } from '@keelson/api/schema';
import type { CompactEnum, CompactSchema, OpenApiData } from './notation.ts';

export type OpenApiVersion = 2 | 3;

/** A JSON object in its order of keys. */
export type Json = { [key: string]: unknown };

const REFERENCES = { 2: '#/definitions/', 3: '#/components/schemas/' } as const;
const OPTION_KIND = /\.meta\.v1\.(DeleteOptions|WatchEvent)$/;

export function reference(version: OpenApiVersion, name: string): string {
  return REFERENCES[version] + name;
}

/** The definitions of the built-in types. */
export class Schemas {
  readonly #data: OpenApiData;
  readonly #byKind = new Map<string, string>();

  constructor(data: OpenApiData) {
    this.#data = data;
    for (const [name, { k = [] }] of Object.entries(data.schemas)) {
      for (const [group, version, kind] of k) this.#byKind.set(`${group}/${version}/${kind}`, name);
    }
  }

  /** `io.k8s.api.apps.v1.Deployment`; undefined for kinds without a schema. */
  nameOf(group: string, version: string, kind: string): string | undefined {
    return this.#byKind.get(`${group}/${version}/${kind}`);
  }

  /** The names and all that they refer to, sorted. */
  closure(names: Iterable<string>): string[] {
    const found = new Set<string>();
    const visit = (name: string) => {
      const schema = this.#data.schemas[name];
      if (!schema || found.has(name)) return;
      found.add(name);
      forEachReference(schema, visit);
    };
    for (const name of names) visit(name);
    return [...found].sort();
  }

  /**
   * One definition.
   * @param groupVersions of the document, for kinds such as DeleteOptions that every group has
   */
  definition(version: OpenApiVersion, name: string, groupVersions: readonly GroupVersion[]): Json {
    const schema = this.#data.schemas[name]!;
    const json = this.#expand(version, schema);
    const option = OPTION_KIND.exec(name);
    if (option)
      json['x-kubernetes-group-version-kind'] = groupVersions.map((gv) => gvk(gv.group, gv.version, option[1]!));
    return json;
  }

  /** The schema of one property. */
  property(version: OpenApiVersion, name: string, field: string): Json {
    const property = this.#data.schemas[name]?.p?.[field];
    return property ? this.#expand(version, property) : { type: 'string' };
  }

  /** The text of one property; '' where there is none. */
  describe(name: string, field: string): string {
    return this.text(this.#data.schemas[name]?.p?.[field]?.d);
  }

  text(number: number | undefined): string {
    return this.#data.texts[number ?? 0] ?? '';
  }

  #expand(version: OpenApiVersion, s: CompactSchema): Json {
    const description = this.#description(s);
    const hasDefault = version === 3 && s.D !== undefined;
    const ref = s.$ === undefined ? undefined : reference(version, s.$);
    // In version 3 nothing may stand beside a reference.
    const wrap = version === 3 && ref !== undefined && (s.d !== undefined || hasDefault);
    const json: Json = {};
    const put = (key: string, value: unknown) => {
      if (value !== undefined) json[key] = value;
    };
    put('description', description || undefined);
    put('type', version === 2 && s.o ? 'string' : s.t);
    put('format', s.f);
    if (hasDefault) put('default', s.D);
    put('enum', s.e?.[0]);
    put('required', s.r);
    put('items', s.i && this.#expand(version, s.i));
    if (wrap) put('allOf', [{ $ref: ref }]);
    if (version === 3)
      put(
        'oneOf',
        s.o?.map((type) => ({ type })),
      );
    put('properties', s.p && mapValues(s.p, (p) => this.#expand(version, p)));
    put('additionalProperties', s.a && this.#expand(version, s.a));
    if (!wrap) put('$ref', ref);
    put(
      'x-kubernetes-group-version-kind',
      s.k?.map(([group, v, kind]) => gvk(group, v, kind)),
    );
    put('x-kubernetes-list-map-keys', s.m);
    put('x-kubernetes-list-type', s.l);
    put('x-kubernetes-map-type', s.M);
    put('x-kubernetes-patch-merge-key', s.K);
    put('x-kubernetes-patch-strategy', s.s);
    put('x-kubernetes-unions', s.u);
    return json;
  }

  #description(s: CompactSchema): string {
    const text = this.text(s.d);
    // Enumerated items and map values are not described.
    return s.e && s.d !== undefined ? text + this.#enumText(s.e) : text;
  }

  #enumText([values, texts, blankLines]: CompactEnum): string {
    const lines = values.map((value, i) => {
      const text = this.text(texts[i]);
      return `\n - \`${JSON.stringify(value)}\`${text === '' ? '' : ` ${text}`}`;
    });
    return `\n${'\n'.repeat(blankLines)}Possible enum values:${lines.join('')}`;
  }
}

/** The same without the values that fields may have. */
export function withoutEnums(data: OpenApiData): OpenApiData {
  return { ...data, schemas: mapValues(data.schemas, withoutEnum) };
}

function withoutEnum({ e: _, ...schema }: CompactSchema): CompactSchema {
  const { p, i, a } = schema;
  return {
    ...schema,
    ...(p ? { p: mapValues(p, withoutEnum) } : {}),
    ...(i ? { i: withoutEnum(i) } : {}),
    ...(a ? { a: withoutEnum(a) } : {}),
  };
}

export interface GroupVersion {
  readonly group: string;
  readonly version: string;
}

/** Keys by name, as everywhere but in the operations of version 3. */
export function gvk(group: string, version: string, kind: string): Json {
  return { group, kind, version };
}

/** Of these groups documents of custom resources know nothing. */
const NOT_FOR_CUSTOM = new Set([
  'admission.k8s.io',
  'imagepolicy.k8s.io',
  'apiextensions.k8s.io',
  'apiregistration.k8s.io',
]);

/** What the documents of custom resources list. */
export function groupVersionsForCustom(): GroupVersion[] {
  return allGroupVersions().filter(({ group }) => !NOT_FOR_CUSTOM.has(group));
}

/** All groups and versions that have the option kinds: what the definitions of version 2 list. */
export function allGroupVersions(): GroupVersion[] {
  const versions = new Set(allKinds().map((kind) => kind.slice(0, kind.lastIndexOf('/'))));
  return [...versions]
    .map((text) => ({ group: text.slice(0, text.indexOf('/')), version: text.slice(text.indexOf('/') + 1) }))
    .filter(({ group }) => group !== 'apidiscovery.k8s.io' && group !== 'meta.k8s.io')
    .sort((a, b) => compare(a.group, b.group) || compare(a.version, b.version));
}

function compare(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}

function forEachReference(schema: CompactSchema, visit: (name: string) => void): void {
  if (schema.$ !== undefined) visit(schema.$);
  if (schema.i) forEachReference(schema.i, visit);
  if (schema.a) forEachReference(schema.a, visit);
  for (const property of Object.values(schema.p ?? {})) forEachReference(property, visit);
}

function mapValues<T, U>(record: Readonly<Record<string, T>>, f: (value: T) => U): Record<string, U> {
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [key, f(value)]));
}
