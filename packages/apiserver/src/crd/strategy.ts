/**
 * What a kind without code of its own does: its definition says whether there is a status and what scales, its schema
 * what is valid (apiextensions-apiserver/pkg/registry/customresource).
 */
import * as field from '@keelson/api/field';
import type { CustomResourceSubresources } from '@keelson/api/generated/types/apiextensions/v1';
import { apiVersionOf, type GroupVersionKind, type KubeObject } from '@keelson/api/object';
import { clone, equal } from '@keelson/api/patch/value';
import type { Pieces } from '@keelson/api/pieces';
import { isQualifiedName, nameIsDNSSubdomain } from '@keelson/api/validation/names';
import { resetIn } from '../registry/statusview.ts';
import type { Strategy, ViewSubresource } from '../registry/strategy.ts';
import { validateObjectMeta, validateObjectMetaUpdate } from '../registry/validation/objectmeta.ts';
import { NestedTypeError, nestedInteger, nestedString } from './paths.ts';
import type { CustomSchema } from './schema/index.ts';

const METADATA = field.Path.of('metadata');

export interface CustomBehaviour {
  readonly kind: GroupVersionKind;
  readonly namespaced: boolean;
  readonly schema: CustomSchema;
  readonly subresources: CustomResourceSubresources;
  /** Of the object, by the names that field selectors have for them. */
  readonly selectableFields: (object: KubeObject) => Record<string, string>;
  /** In which there is a status of its own. */
  readonly statusVersions: readonly string[];
}

export function customStrategy({
  kind,
  namespaced,
  schema,
  subresources,
  selectableFields,
}: CustomBehaviour): Strategy<KubeObject> {
  const hasStatus = subresources.status !== undefined;
  return {
    allowUnconditionalUpdate: false,
    metadataRules: 'none',
    defaults: (object) => schema.applyDefaults(object),
    prepareForCreate(_ctx, object) {
      if (hasStatus) delete object.status;
      object.metadata.generation = 1;
    },
    judge(_ctx, object, old, warn) {
      const among = function* (values: () => Pieces<field.ErrorList>) {
        const other = otherKind(object, kind);
        if (other) return other;
        return [
          ...(old
            ? validateObjectMetaUpdate(object.metadata, old.metadata, METADATA)
            : validateObjectMeta(object.metadata, namespaced, nameIsDNSSubdomain, METADATA)),
          ...(yield* values()),
          ...scaleSpecProblems(object, subresources),
          ...scaleStatusProblems(object, subresources),
        ];
      };
      return old ? schema.validateUpdate(object, old, { among, warn }) : schema.validate(object, { among });
    },
    warningsOnCreate: (_ctx, object) => finalizerWarnings(object.metadata.finalizers ?? []),
    prepareForUpdate(_ctx, object, old) {
      if (hasStatus) keep('status', object, old);
      if (!equal(withoutMetadata(object), withoutMetadata(old)))
        object.metadata.generation = (old.metadata.generation ?? 0) + 1;
    },
    warningsOnUpdate(_ctx, object, old) {
      const before = new Set(old.metadata.finalizers);
      const added = (object.metadata.finalizers ?? []).filter((name) => !before.has(name));
      return finalizerWarnings(added);
    },
    selectableFields,
    ...(hasStatus ? { resetFields: { [apiVersionOf(kind)]: { 'f:status': {} } } } : {}),
  };
}

/** PUT and PATCH of `status`: all else stays as it is. */
export function customStatus({
  kind,
  schema,
  subresources,
  statusVersions,
}: CustomBehaviour): ViewSubresource<KubeObject> {
  return {
    type: 'view',
    strategy: {
      metadataRules: 'none',
      prepareForUpdate(_ctx, object, old) {
        const { status } = object;
        const { managedFields } = object.metadata;
        for (const key of Object.keys(object)) delete object[key];
        Object.assign(object, clone(old));
        if (managedFields === undefined) delete object.metadata.managedFields;
        else object.metadata.managedFields = managedFields;
        if (status === undefined) delete object.status;
        else object.status = status;
      },
      judge(_ctx, object, old, warn) {
        const among = function* (values: () => Pieces<field.ErrorList>) {
          const other = otherKind(object, kind);
          if (other) return other;
          return [
            ...validateObjectMetaUpdate(object.metadata, old!.metadata, METADATA),
            ...(yield* values()),
            ...scaleStatusProblems(object, subresources),
          ];
        };
        return schema.validateStatusUpdate(object, old!, { among, warn });
      },
      warningsOnUpdate: () => [],
      resetFields: resetIn(statusVersions, { 'f:metadata': {}, 'f:spec': {} }),
    },
  };
}

function keep(part: string, object: KubeObject, old: KubeObject): void {
  if (old[part] === undefined) delete object[part];
  else object[part] = old[part];
}

function withoutMetadata({ metadata: _, ...rest }: KubeObject): object {
  return rest;
}

/** Undefined when it says that it is of this kind. */
function otherKind(object: KubeObject, kind: GroupVersionKind): field.ErrorList | undefined {
  const apiVersion = apiVersionOf(kind);
  const errors: field.ErrorList = [];
  if (object.kind !== kind.kind) errors.push(field.invalid(field.Path.of('kind'), object.kind, `must be ${kind.kind}`));
  if (object.apiVersion !== apiVersion)
    errors.push(field.invalid(field.Path.of('apiVersion'), object.apiVersion, `must be ${apiVersion}`));
  return errors.length > 0 ? errors : undefined;
}

function scaleSpecProblems(object: KubeObject, { scale }: CustomResourceSubresources): field.ErrorList {
  return scale ? replicasProblems(object, scale.specReplicasPath) : [];
}

function scaleStatusProblems(object: KubeObject, { scale }: CustomResourceSubresources): field.ErrorList {
  if (!scale) return [];
  const { statusReplicasPath, labelSelectorPath } = scale;
  return [
    ...replicasProblems(object, statusReplicasPath),
    ...(labelSelectorPath ? problemOf(labelSelectorPath, '', () => void nestedString(object, labelSelectorPath)) : []),
  ];
}

const MAX_INT32 = 2 ** 31 - 1;

function replicasProblems(object: KubeObject, path: string): field.ErrorList {
  let replicas = 0;
  const errors = problemOf(path, 0, () => {
    replicas = nestedInteger(object, path) ?? 0;
  });
  if (errors.length > 0) return errors;
  if (replicas < 0) return [field.invalid(field.Path.of(path), replicas, 'should be a non-negative integer')];
  return replicas > MAX_INT32
    ? [field.invalid(field.Path.of(path), replicas, `should be less than or equal to ${MAX_INT32}`)]
    : [];
}

function problemOf(path: string, shown: unknown, look: () => void): field.ErrorList {
  try {
    look();
    return [];
  } catch (error) {
    if (!(error instanceof NestedTypeError)) throw error;
    return [field.invalid(field.Path.of(path), shown, error.message)];
  }
}

const STANDARD_FINALIZERS = ['orphan', 'foregroundDeletion', 'kubernetes'];

function finalizerWarnings(finalizers: readonly string[]): string[] {
  return [...new Set(finalizers)].sort().flatMap((name) => {
    const about = `metadata.finalizers: ${JSON.stringify(name)}:`;
    const warnings = isQualifiedName(name).map((problem) => `${about} ${problem}`);
    if (name.includes('/') || STANDARD_FINALIZERS.includes(name)) return warnings;
    const how = name.includes('.') ? 'finalizer name including a path (/)' : 'finalizer name';
    return [
      ...warnings,
      `${about} prefer a domain-qualified ${how} to avoid accidental conflicts with other finalizer writers`,
    ];
  });
}
