/**
 * Objects of a custom resource: any JSON, whose metadata is every object's, and of whose rest a schema says what stays
 * (apiextensions-apiserver/pkg/apiserver/customresource_handler.go, schemaCoercingDecoder).
 */
import type { ApplySchema } from '@keelson/api/apply/schema';
import { withoutEmpties } from '@keelson/api/codec/empties';
import { DecodeError } from '@keelson/api/codec/exact';
import {
  type Body,
  type Decoded,
  type DecodeOptions,
  decodeRegular,
  encodeJson,
  normalize,
  openJson,
} from '@keelson/api/codec/json';
import type { KubeObject } from '@keelson/api/object';
import { clone, isObject, type JsonObject, jsonType } from '@keelson/api/patch/value';
import type { Pieces } from '@keelson/api/pieces';
import { structType } from '@keelson/api/schema';
import { canonicalTime } from '@keelson/api/time';
import type { ObjectForm } from '../registry/form.ts';
import type { CustomSchema } from './schema/index.ts';

const METADATA = structType('io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta');

export class CustomForm implements ObjectForm {
  readonly type = undefined;
  readonly selfDescribing = true;
  readonly #group: string;
  readonly #kind: string;
  readonly #schema: CustomSchema;
  readonly #isStored: boolean;

  /**
   * @param kind objects that say they are of another are left as they are, for validation to refuse
   * @param isStored whether objects are stored in the version of the schema
   */
  constructor(group: string, kind: string, schema: CustomSchema, isStored = true) {
    this.#group = group;
    this.#kind = kind;
    this.#schema = schema;
    this.#isStored = isStored;
  }

  get apply(): ApplySchema {
    return this.#schema.apply;
  }

  get empty(): JsonObject {
    return { metadata: {} };
  }

  *decoding(body: Body, options: DecodeOptions): Pieces<Decoded> {
    const { object, strictErrors } = yield* body.decoding(undefined, options);
    const found = [...strictErrors];
    yield;
    found.push(...(yield* coerceMetadata(object, options)));
    yield;
    if (object.kind === this.#kind && isOfGroup(object.apiVersion, this.#group))
      found.push(...this.#schema.prune(object).map((path) => `unknown field "${path}"`));
    return { object, strictErrors: options.strict ? found : [] };
  }

  normalize(value: unknown): KubeObject {
    const { metadata } = value as KubeObject;
    const object = clone({ ...(value as KubeObject), metadata: {} }) as KubeObject;
    object.metadata = normalize(withReadableTimes(metadata), METADATA, false) as KubeObject['metadata'];
    return object;
  }

  withoutEmpties<T extends object>(object: T): T {
    const { metadata } = object as { metadata?: object };
    if (!metadata) return object;
    const written = withoutEmpties(metadata, METADATA);
    return written === metadata ? object : { ...object, metadata: written };
  }

  emptiesToNull(): void {}

  /**
   * What server-side apply has put where it may not be is gone, and a status that creation took away has its default. Of what is
   * stored in another version it is that one's schema that says so, when it is read.
   */
  reread(object: KubeObject): void {
    if (!this.#isStored) return;
    this.#schema.prune(object, { dropsMalformed: true });
    this.#schema.applyDefaults(object);
  }
}

/** What an apply says of times is not read before: what is none is as good as left out (apis/meta/v1/unstructured, getters). */
function withReadableTimes(metadata: KubeObject['metadata']): JsonObject {
  const readable: JsonObject = { ...metadata };
  for (const name of ['creationTimestamp', 'deletionTimestamp']) if (!isTime(readable[name])) delete readable[name];
  return readable;
}

function isTime(value: unknown): boolean {
  try {
    return typeof value === 'string' && canonicalTime(value) !== null;
  } catch {
    return false;
  }
}

function isOfGroup(apiVersion: string | undefined, group: string): boolean {
  return apiVersion?.startsWith(`${group}/`) ?? false;
}

/** Metadata has a type in every object. @returns what is wrong with it, strictly. @throws DecodeError */
function* coerceMetadata(object: KubeObject, options: DecodeOptions): Pieces<string[]> {
  const given: unknown = object.metadata;
  if (given === undefined || given === null) {
    object.metadata = {};
    return [];
  }
  if (typeof given !== 'object' || Array.isArray(given)) {
    throw new DecodeError(`json: cannot unmarshal ${jsonType(given)} into Go value of type v1.ObjectMeta`);
  }
  const entries = isObject(given) ? given.managedFields : undefined;
  const decoding = { ...options, keepsEmpty: false };
  const regular = decodeRegular(given, METADATA, decoding);
  const { object: metadata, strictErrors } = regular
    ? { object: regular, strictErrors: [] }
    : yield* openJson(encodeJson(given)).decoding(METADATA, decoding);
  object.metadata = metadata as unknown as KubeObject['metadata'];
  // Said explicitly, an empty list takes all ownership away.
  if (Array.isArray(entries) && entries.length === 0) object.metadata.managedFields = [];
  return strictErrors.map((text: string) => text.replace('field "', 'field "metadata.'));
}
