/**
 * The types of the Kubernetes API at run time: one description that the JSON, YAML and protobuf codecs, the patches,
 * apply and OpenAPI share. Read from generated/schema.json; a type is built when it is first asked for.
 *
 * Built-in types are looked up here; custom resources bring their own schema (structural, see crd).
 */
import schema from './generated/schema.json' with { type: 'json' };

export type ScalarName =
  | 'string'
  | 'bool'
  | 'int32'
  | 'int64'
  | 'float64'
  | 'bytes'
  | 'time'
  | 'microtime'
  | 'quantity'
  | 'intorstring'
  | 'raw'
  | 'fields'
  | 'json'
  | 'any';

export interface ScalarType {
  readonly kind: 'scalar';
  readonly scalar: ScalarName;
  /** How Go names the type in a decoding error: `int32`, `v1.Protocol`. */
  readonly goName: string;
}

export interface StructType {
  readonly kind: 'struct';
  /** OpenAPI's name: `io.k8s.api.core.v1.Container`. */
  readonly name: string;
  /** `v1.Container` */
  readonly goName: string;
  /** As declared; an inline field is one entry here. Protobuf messages follow this shape. */
  readonly fields: readonly Field[];
  /** As they stand in JSON, inline structs flattened, in the order in which they are written. */
  readonly jsonFields: readonly Field[];
  readonly byJson: ReadonlyMap<string, Field>;
  readonly byProto: ReadonlyMap<number, Field>;
  /** `atomic`: apply owns the struct as a whole. */
  readonly mapType: 'atomic' | 'granular';
}

export interface ListType {
  readonly kind: 'list';
  readonly element: Type;
  readonly elementPointer: boolean;
  readonly goName: string;
  /** A named slice of scalars (`v1.ExtraValue`): in protobuf a message with the one repeated field `items = 1`. */
  readonly named: boolean;
}

export interface MapType {
  readonly kind: 'map';
  readonly key: ScalarType;
  readonly value: Type;
  readonly goName: string;
}

/** The JSON-schema unions of apiextensions: a schema, or a bool, a list of schemas, a list of strings. */
export interface SchemaOrType {
  readonly kind: 'schemaOr';
  readonly or: 'bool' | 'array' | 'strings';
  readonly schema: StructType;
  readonly goName: string;
}

export type Type = ScalarType | StructType | ListType | MapType | SchemaOrType;

export interface Field {
  /** Empty for an inline struct. */
  readonly json: string;
  readonly go: string;
  readonly type: Type;
  readonly pointer: boolean;
  readonly inline: boolean;
  readonly omitEmpty: boolean;
  readonly omitZero: boolean;
  /** Protobuf field number; 0 where the field is not in protobuf. */
  readonly proto: number;
  /** `merge`, `replace`, `retainKeys` or two of them with a comma (strategic merge patch). */
  readonly patchStrategy: string | undefined;
  readonly patchMergeKey: string | undefined;
  /** Server-side apply; undefined means atomic. */
  readonly listType: 'atomic' | 'set' | 'map' | undefined;
  readonly listMapKeys: readonly string[] | undefined;
  readonly mapType: 'atomic' | 'granular' | undefined;
  /** The default that OpenAPI states for a scalar, used for absent keys of `listMapKeys`. */
  readonly default: string | number | boolean | undefined;
}

interface Extras {
  patchStrategy?: string;
  patchMergeKey?: string;
  listType?: 'atomic' | 'set' | 'map';
  listMapKeys?: string[];
  mapType?: 'atomic' | 'granular';
  default?: string | number | boolean;
}
type EncodedField = [json: string, go: string, type: string, proto: number, flags: string, extras?: Extras];
interface EncodedType {
  fields: EncodedField[];
  mapType?: 'atomic' | 'granular';
}

const encoded = schema as unknown as { kinds: Record<string, string>; types: Record<string, EncodedType> };
const structs = new Map<string, StructType>();

/**
 * The type of a kind, e.g. `typeOfKind('apps', 'v1', 'Deployment')`; the group of core kinds is ''.
 * Undefined for kinds that are not built in.
 */
export function typeOfKind(group: string, version: string, kind: string): StructType | undefined {
  const name = encoded.kinds[`${group}/${version}/${kind}`];
  return name === undefined ? undefined : structType(name);
}

/** All built-in kinds as `group/version/Kind`, option and review kinds included. */
export function allKinds(): string[] {
  return Object.keys(encoded.kinds);
}

/** The type with OpenAPI's name `io.k8s.api.core.v1.Pod`. @throws Error for a name that is not in the schema */
export function structType(name: string): StructType {
  const known = structs.get(name);
  if (known) return known;
  const raw = encoded.types[name];
  if (!raw) throw new Error(`no type ${name} in the schema`);
  const type = new LazyStruct(name, raw);
  structs.set(name, type);
  return type;
}

/** `io.k8s.api.core.v1.Pod` → `v1.Pod` */
function shortName(name: string): string {
  return name.split('.').slice(-2).join('.');
}

/** Types refer to each other in circles: fields are resolved at their first use. */
class LazyStruct implements StructType {
  readonly kind = 'struct';
  readonly name: string;
  readonly goName: string;
  readonly mapType: 'atomic' | 'granular';
  readonly #encoded: EncodedType;
  #fields: Field[] | undefined;
  #jsonFields: Field[] | undefined;
  #byJson: Map<string, Field> | undefined;
  #byProto: Map<number, Field> | undefined;

  constructor(name: string, raw: EncodedType) {
    this.name = name;
    this.goName = shortName(name);
    this.mapType = raw.mapType ?? 'granular';
    this.#encoded = raw;
  }
  get fields(): Field[] {
    this.#fields ??= this.#encoded.fields.map(decodeField);
    return this.#fields;
  }
  get jsonFields(): Field[] {
    this.#jsonFields ??= this.fields.flatMap((f) =>
      f.inline && f.type.kind === 'struct' ? [...f.type.jsonFields] : [f],
    );
    return this.#jsonFields;
  }
  get byJson(): Map<string, Field> {
    this.#byJson ??= new Map(this.jsonFields.map((f) => [f.json, f]));
    return this.#byJson;
  }
  get byProto(): Map<number, Field> {
    this.#byProto ??= new Map(this.fields.filter((f) => f.proto > 0).map((f) => [f.proto, f]));
    return this.#byProto;
  }
}

function decodeField([json, go, type, proto, flags, extras]: EncodedField): Field {
  const pointer = type.startsWith('*');
  return {
    json,
    go,
    type: parseType(pointer ? type.slice(1) : type),
    pointer,
    inline: flags.includes('i'),
    omitEmpty: flags.includes('e'),
    omitZero: flags.includes('z'),
    proto,
    patchStrategy: extras?.patchStrategy,
    patchMergeKey: extras?.patchMergeKey,
    listType: extras?.listType,
    listMapKeys: extras?.listMapKeys,
    mapType: extras?.mapType,
    default: extras?.default,
  };
}

const GO_NAMES: Partial<Record<ScalarName, string>> = {
  bytes: '[]uint8',
  time: 'v1.Time',
  microtime: 'v1.MicroTime',
  quantity: 'resource.Quantity',
  intorstring: 'intstr.IntOrString',
  raw: 'runtime.RawExtension',
  fields: 'v1.FieldsV1',
  json: 'v1.JSON',
  any: 'interface {}',
};

/** The compact notation of schema.json: `*T`, `[]T`, `{v1.Name}[]T`, `map[K]V`, `{v1.Name}map[K]V`, `#struct`, `string@v1.Name`. */
function parseType(text: string): Type {
  if (text.startsWith('#')) return structType(text.slice(1));
  if (text.startsWith('{')) {
    const end = text.indexOf('}');
    const type = parseType(text.slice(end + 1)) as ListType | MapType;
    const goName = text.slice(1, end);
    return type.kind === 'list' ? { ...type, goName, named: type.element.kind === 'scalar' } : { ...type, goName };
  }
  if (text.startsWith('[]')) {
    const elementPointer = text[2] === '*';
    const element = parseType(text.slice(elementPointer ? 3 : 2));
    return {
      kind: 'list',
      element,
      elementPointer,
      goName: `[]${elementPointer ? '*' : ''}${element.goName}`,
      named: false,
    };
  }
  if (text.startsWith('map[')) {
    const end = text.indexOf(']');
    const key = parseType(text.slice(4, end)) as ScalarType;
    const value = parseType(text.slice(end + 1));
    return { kind: 'map', key, value, goName: `map[${key.goName}]${value.goName}` };
  }
  if (text.startsWith('schemaor')) {
    const [union, target] = text.split(':') as [string, string];
    const or = union.slice('schemaor'.length) as SchemaOrType['or'];
    const suffix = { bool: 'OrBool', array: 'OrArray', strings: 'OrStringArray' }[or];
    return { kind: 'schemaOr', or, schema: structType(target), goName: `${shortName(target)}${suffix}` };
  }
  const [scalar, goName] = text.split('@') as [ScalarName, string?];
  return { kind: 'scalar', scalar, goName: goName ?? GO_NAMES[scalar] ?? scalar };
}
