/**
 * The way from kubectl's client-side apply to server-side apply, by the annotation that the former keeps. Only the manager
 * "kubectl" gets this treatment.
 * Behaviour: internal/lastappliedmanager.go, lastappliedupdater.go, lastapplied.go.
 */
import type { KubeObject } from '../object.ts';
import { formatJson } from '../patch/goformat.ts';
import { isObject, type JsonObject } from '../patch/value.ts';
import { compare } from './compare.ts';
import { type Conflicts, conflictingFields } from './conflict.ts';
import { FieldsError } from './element.ts';
import { difference, type FieldSet, has, isEmpty, paths, setOf } from './fieldset.ts';
import { fieldsOf } from './ownership.ts';
import type { ApplySchema } from './schema.ts';
import { validate } from './validate.ts';

const ANNOTATION = 'kubectl.kubernetes.io/last-applied-configuration';
/** All keys and values together. */
const MAX_ANNOTATION_BYTES = 256 * 1024;

/**
 * The conflicts that are left when what client-side apply set, and nobody has changed since, counts as the applier's own.
 * All of them where there is no usable annotation.
 */
export function allowedByLastApplied(
  conflicts: Conflicts,
  live: JsonObject,
  apiVersion: string,
  schema: ApplySchema,
): Conflicts {
  const own = unchangedSinceLastApplied(live, apiVersion, schema);
  if (!own) return conflicts;
  if (isEmpty(difference(conflictingFields(conflicts), own))) return new Map();
  const left = new Map<string, { owner: NonNullable<ReturnType<Conflicts['get']>>['owner']; fields: FieldSet }>();
  for (const [id, { owner, fields }] of conflicts) {
    const others = setOf(...[...paths(fields)].filter((path) => !has(own, path)));
    if (!isEmpty(others)) left.set(id, { owner, fields: others });
  }
  return left;
}

function unchangedSinceLastApplied(live: JsonObject, apiVersion: string, schema: ApplySchema): FieldSet | undefined {
  const text = annotationsOf(live)?.[ANNOTATION];
  if (typeof text !== 'string' || text === '') return undefined;
  try {
    const lastApplied: unknown = JSON.parse(text);
    if (!isObject(lastApplied) || lastApplied.apiVersion !== apiVersion || !lastApplied.kind) return undefined;
    validate(live, schema, 'forbidden');
    validate(lastApplied, schema, 'forbidden');
    const { added, modified, removed } = compare(lastApplied, live, schema);
    return [modified, added, removed].reduce(difference, fieldsOf(lastApplied, schema));
  } catch (e) {
    if (e instanceof FieldsError || e instanceof SyntaxError) return undefined;
    throw e;
  }
}

/** The result of an apply, with its annotation brought up to date if it has one and there is room. */
export function withLastApplied(object: KubeObject, config: JsonObject): KubeObject {
  const annotations = annotationsOf(object);
  if (!annotations?.[ANNOTATION]) return object;
  const { [ANNOTATION]: _, ...others } = annotations;
  const updated = { ...others, [ANNOTATION]: `${formatJson(withoutAnnotation(config))}\n` };
  return {
    ...object,
    metadata: {
      ...object.metadata,
      annotations: (sizeOf(updated) > MAX_ANNOTATION_BYTES ? others : updated) as Record<string, string>,
    },
  };
}

function withoutAnnotation(config: JsonObject): JsonObject {
  const annotations = annotationsOf(config);
  if (!annotations || !(ANNOTATION in annotations)) return config;
  const { [ANNOTATION]: _, ...others } = annotations;
  return { ...config, metadata: { ...(config.metadata as JsonObject), annotations: others } };
}

function annotationsOf(object: JsonObject): JsonObject | undefined {
  const metadata = object.metadata;
  if (!isObject(metadata)) return undefined;
  return isObject(metadata.annotations) ? metadata.annotations : undefined;
}

function sizeOf(annotations: JsonObject): number {
  let size = 0;
  for (const key of Object.keys(annotations))
    size += Buffer.byteLength(key) + Buffer.byteLength(String(annotations[key]));
  return size;
}
