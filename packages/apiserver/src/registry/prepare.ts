/**
 * The checks and preparations that every write goes through, around those of the kind's strategy
 * (apiserver/pkg/registry/rest create.go, update.go).
 */
import { badRequest, invalid } from '@keelson/api/errors';
import * as field from '@keelson/api/field';
import { type KubeObject, type ObjectMeta, parseApiVersion } from '@keelson/api/object';
import { type NameRule, nameIsDNSSubdomain, nameIsPathSegment } from '@keelson/api/validation/names';
import { slices } from '../pieces.ts';
import { withoutFieldAnnotations } from './fieldannotations.ts';
import type { ResourceDefinition } from './resource.ts';
import type { WriteRequest } from './store.ts';
import { type Strategy, UPDATE_CHECKS, type UpdateCheck } from './strategy.ts';
import {
  validateKubeObjectMeta,
  validateKubeObjectMetaUpdate,
  validateObjectMeta,
  validateObjectMetaUpdate,
} from './validation/objectmeta.ts';

const METADATA = field.Path.of('metadata');

/** Takes the request's namespace where the object names none. @throws StatusError 400 when they differ */
export function checkNamespace(definition: ResourceDefinition, namespace: string, object: KubeObject): void {
  const { metadata } = object;
  if (!definition.namespaced) {
    delete metadata.namespace;
    return;
  }
  metadata.namespace ||= namespace;
  if (metadata.namespace !== namespace) {
    throw badRequest('the namespace of the provided object does not match the namespace sent on the request');
  }
}

/** Everything between mutating and validating admission of a create. Changes the object. @throws StatusError 400, 422 */
export async function prepareCreate(
  definition: ResourceDefinition,
  object: KubeObject,
  request: WriteRequest,
): Promise<void> {
  const { strategy } = definition.registration;
  checkNamespace(definition, request.ctx.namespace, object);
  strategy.prepareForCreate?.(request.ctx, object, request.warn);
  const own = [
    ...(strategy.checkAccess ? await strategy.checkAccess(request.ctx, object, undefined) : []),
    ...validateOwnMetadata(definition, strategy, object),
    ...(strategy.validate?.(request.ctx, object) ?? []),
    ...(strategy.judge ? await slices.soon(strategy.judge(request.ctx, object, undefined, request.warn)) : []),
  ];
  // What a kind does not look at itself is checked when the rest is fine.
  const errors =
    own.length > 0
      ? own
      : validateObjectMeta(checkedMetadata(definition, object), definition.namespaced, nameIsPathSegment, METADATA);
  if (errors.length > 0) throw refused(definition, object, errors);
  for (const text of strategy.warningsOnCreate?.(request.ctx, object) ?? []) request.warn(text);
  strategy.canonicalize?.(object);
}

/** Everything between mutating and validating admission of an update. Changes the object. @throws StatusError 422 */
export async function prepareUpdate(
  definition: ResourceDefinition,
  strategy: Strategy,
  object: KubeObject,
  old: KubeObject,
  request: WriteRequest,
): Promise<void> {
  setOrDelete(object.metadata, 'generation', old.metadata.generation);
  strategy.prepareForUpdate?.(request.ctx, object, old);
  const { metadata } = object;
  metadata.uid ||= old.metadata.uid!;
  if (old.metadata.creationTimestamp !== undefined) metadata.creationTimestamp = old.metadata.creationTimestamp;
  if (old.metadata.deletionTimestamp !== undefined) metadata.deletionTimestamp = old.metadata.deletionTimestamp;
  if (old.metadata.deletionGracePeriodSeconds !== undefined) {
    metadata.deletionGracePeriodSeconds ??= old.metadata.deletionGracePeriodSeconds;
  }
  const checked = checkedMetadata(definition, object);
  const checks: Readonly<Record<UpdateCheck, () => field.ErrorList>> = {
    metadata: () => validateMetadataUpdate(strategy, checked, old),
    change: () => strategy.validateChange?.(object, old) ?? [],
    'new metadata': () => validateOwnMetadata(definition, strategy, object),
    kind: () => strategy.validateUpdate?.(request.ctx, object, old, request.warn) ?? [],
  };
  const errors = [
    ...validateObjectMeta(checked, definition.namespaced, nameIsPathSegment, METADATA),
    ...validateObjectMetaUpdate(checked, old.metadata, METADATA),
    ...(strategy.checkAccess ? await strategy.checkAccess(request.ctx, object, old) : []),
    ...(strategy.updateChecks ?? UPDATE_CHECKS).flatMap((check) => checks[check]()),
    ...(strategy.judge ? await slices.soon(strategy.judge(request.ctx, object, old, request.warn)) : []),
  ];
  if (errors.length > 0) throw refused(definition, object, errors);
  for (const text of strategy.warningsOnUpdate?.(request.ctx, object, old) ?? []) request.warn(text);
  strategy.canonicalize?.(object);
}

/** As what a custom resource says that it is, even where it is something else. */
function refused(
  { storage, storageForm, kind }: ResourceDefinition,
  object: KubeObject,
  errors: field.ErrorList,
): Error {
  const isCustom = storageForm.type === undefined;
  const group = isCustom && object.apiVersion ? parseApiVersion(object.apiVersion).group : storage.group;
  return invalid(group, object.kind ?? kind, object.metadata.name ?? '', errors);
}

/** What is a field upstream is not among the annotations that may be too many. */
function checkedMetadata({ registration }: ResourceDefinition, { metadata }: KubeObject): ObjectMeta {
  return withoutFieldAnnotations(metadata, registration.fieldAnnotations);
}

/** Metadata as the kind's own validation sees it. */
function validateOwnMetadata(definition: ResourceDefinition, strategy: Strategy, object: KubeObject): field.ErrorList {
  const { namespaced } = definition;
  const metadata = checkedMetadata(definition, object);
  const { metadataRules = 'kube' } = strategy;
  if (metadataRules === 'none') return [];
  const nameRule: NameRule = (name, prefix) =>
    strategy.validateName ? strategy.validateName(name, prefix, object) : nameIsDNSSubdomain(name, prefix);
  return metadataRules === 'kube'
    ? validateKubeObjectMeta(metadata, namespaced, nameRule, METADATA)
    : validateObjectMeta(metadata, namespaced, nameRule, METADATA);
}

function validateMetadataUpdate(strategy: Strategy, metadata: ObjectMeta, old: KubeObject): field.ErrorList {
  switch (strategy.metadataRules) {
    case 'none':
      return [];
    case 'generic':
      return validateObjectMetaUpdate(metadata, old.metadata, METADATA);
    default:
      return validateKubeObjectMetaUpdate(metadata, old.metadata, METADATA);
  }
}

function setOrDelete<T extends object, K extends keyof T>(target: T, key: K, value: T[K] | undefined): void {
  if (value === undefined) delete target[key];
  else target[key] = value;
}
