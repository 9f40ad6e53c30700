/**
 * Deletion: graceful where the kind knows grace, held by finalizers, else at once
 * (apiserver/pkg/registry/generic/registry/store.go Delete, rest/delete.go BeforeDelete).
 *
 *     ┌ grace pending already ─▶ answer with the object as it is
 *   ──┼ graceful, or finalizers ─▶ mark (deletionTimestamp, grace, finalizers); delete later, by who holds it
 *     └ nothing holds it ─▶ delete
 */
import { conflict, invalid, notFound, type Status } from '@keelson/api/errors';
import * as field from '@keelson/api/field';
import type { KubeObject } from '@keelson/api/object';
import { formatTime } from '@keelson/api/time';
import type { CachedObject } from './cached-objects.ts';
import { mismatchOf, wordsOf } from './preconditions.ts';
import { requestedKeyOf } from './resource.ts';
import type { ResourceStore, WriteRequest } from './store.ts';
import type { DeleteOptions } from './strategy.ts';

export interface DeleteRequest extends WriteRequest {
  readonly name: string;
  /** Changed by the kind's strategy: pass a copy. */
  readonly options: DeleteOptions;
  /** Validating admission; throws StatusError. */
  readonly admit?: (object: KubeObject, options: DeleteOptions) => Promise<void>;
}

export interface DeleteOutcome {
  /** The object, or a Status of success for kinds that do not return what was deleted. */
  readonly body: KubeObject | Status;
  /** False while grace or finalizers hold the object. */
  readonly deleted: boolean;
}

const ORPHAN = 'orphan';
const FOREGROUND = 'foregroundDeletion';

/** @throws StatusError 404, 409 (preconditions), 422 (options) */
export async function deleteObject(store: ResourceStore, request: DeleteRequest): Promise<DeleteOutcome> {
  const { ctx, name } = request;
  const key = requestedKeyOf(store.definition, ctx.namespace, name);
  const { storage, cacher } = store;
  for (let current = await storage.find(key, () => cacher.fresh()); ; current = await storage.reread(key)) {
    if (!current) throw notFound(store.definition, name);
    const outcome = await attempt(store, current, { ...request, options: { ...request.options } });
    if (outcome !== 'lost') return outcome;
  }
}

async function attempt(
  store: ResourceStore,
  current: CachedObject,
  request: DeleteRequest,
): Promise<DeleteOutcome | 'lost'> {
  const { ctx, options } = request;
  const object = store.codec.object(current);
  const terminating = await terminate(store, object, current, request);
  if (terminating) return terminating;
  const grace = beforeDelete(store, object, request);
  if (grace === 'pending') return { body: answer(store, object), deleted: false };

  const finalizers = finalizersFor(store, object, options);
  const changesFinalizers = !sameSet(finalizers, object.metadata.finalizers ?? []);
  const held = finalizers.length > 0;
  // Admission sees the object as it is stored, not marked yet.
  await request.admit?.(grace === 'graceful' ? store.codec.object(current) : object, options);

  if (grace === 'now' && !held) return removeNow(store, object, current, request, changesFinalizers);

  if (changesFinalizers) setFinalizers(object, finalizers);
  if (grace === 'now') markAsDeleting(object, ctx.now);
  const written = await store.storage.write(object, current, ctx.dryRun, true);
  if (written === 'lost') return 'lost';
  if (held || (options.gracePeriodSeconds ?? 0) > 0) return { body: written, deleted: false };

  const marked = { ...current, revision: Number(written.metadata.resourceVersion) };
  return removeNow(store, written, marked, request, false);
}

/** Kinds whose content goes first are marked and left to who removes it. Undefined: there is nothing to wait for. */
async function terminate(
  store: ResourceStore,
  object: KubeObject,
  current: CachedObject,
  request: DeleteRequest,
): Promise<DeleteOutcome | 'lost' | undefined> {
  const { termination } = store.definition.registration.strategy;
  if (!termination) return undefined;
  checkTerminationPreconditions(store, object, request.options);
  request.options.preconditions = { uid: object.metadata.uid!, ...request.options.preconditions };
  if (object.metadata.deletionTimestamp !== undefined) {
    return termination.isComplete(object) ? undefined : { body: object, deleted: false };
  }
  await request.admit?.(object, request.options);
  object.metadata.deletionTimestamp = formatTime(request.ctx.now);
  if (termination.takesPolicy) setFinalizers(object, finalizersFor(store, object, request.options));
  termination.begin(object);
  const written = await store.storage.write(object, current, request.ctx.dryRun, true);
  return written === 'lost' ? 'lost' : { body: written, deleted: false };
}

/** Upstream's storage of these kinds looks at them itself, in words of its own. */
function checkTerminationPreconditions(store: ResourceStore, { metadata }: KubeObject, options: DeleteOptions): void {
  const mismatch = mismatchOf(options.preconditions ?? {}, metadata);
  if (mismatch) throw conflict(store.definition, metadata.name ?? '', wordsOf(mismatch));
}

async function removeNow(
  store: ResourceStore,
  object: KubeObject,
  current: CachedObject,
  request: DeleteRequest,
  dropsFinalizers: boolean,
): Promise<DeleteOutcome | 'lost'> {
  if (!request.ctx.dryRun) {
    const revision = await store.storage.remove(current);
    if (revision === 'lost') return 'lost';
    object.metadata.resourceVersion = String(revision);
    if (dropsFinalizers) delete object.metadata.finalizers;
    await store.definition.registration.strategy.afterDelete?.(request.ctx, object);
  }
  return { body: answer(store, object), deleted: true };
}

function answer(store: ResourceStore, object: KubeObject): KubeObject | Status {
  const { definition } = store;
  if (definition.registration.strategy.returnDeletedObject) return object;
  return {
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Success',
    details: {
      name: object.metadata.name ?? '',
      ...(definition.group === '' ? {} : { group: definition.group }),
      kind: definition.resource,
      uid: object.metadata.uid ?? '',
    },
  };
}

/** Checks options and preconditions and marks the object where its kind is deleted gracefully. */
function beforeDelete(
  store: ResourceStore,
  object: KubeObject,
  request: DeleteRequest,
): 'now' | 'graceful' | 'pending' {
  const { options, ctx } = request;
  const { strategy } = store.definition.registration;
  validateDeleteOptions(options);
  checkPreconditions(store, object, options);
  const { metadata } = object;
  if ((options.gracePeriodSeconds ?? 0) < 0) options.gracePeriodSeconds = 1;
  if ((metadata.deletionGracePeriodSeconds ?? 0) < 0) metadata.deletionGracePeriodSeconds = 1;
  if (!strategy.checkGracefulDelete) return 'now';
  if (metadata.deletionTimestamp !== undefined) return shorten(object, options, ctx.now);
  if (!strategy.checkGracefulDelete(ctx, object, options)) return 'now';
  const seconds = options.gracePeriodSeconds ?? 0;
  metadata.deletionTimestamp = formatTime(new Date(ctx.now.getTime() + seconds * 1000));
  metadata.deletionGracePeriodSeconds = seconds;
  bumpGeneration(object);
  return 'graceful';
}

/** A deletion under way can only be hurried. */
function shorten(object: KubeObject, options: DeleteOptions, now: Date): 'now' | 'graceful' | 'pending' {
  const { metadata } = object;
  const old = metadata.deletionGracePeriodSeconds ?? 0;
  if (old === 0) return 'now';
  let seconds = options.gracePeriodSeconds;
  if (seconds === undefined) {
    options.gracePeriodSeconds = old;
    return 'pending';
  }
  if (seconds >= old) return 'pending';
  let deadline = Date.parse(metadata.deletionTimestamp!) + (seconds - old) * 1000;
  if (deadline < now.getTime()) {
    deadline = now.getTime();
    // Whoever holds the object still deletes it, with the shortest grace there is.
    if (seconds !== 0) seconds = 1;
  }
  metadata.deletionTimestamp = formatTime(new Date(deadline));
  metadata.deletionGracePeriodSeconds = seconds;
  return 'graceful';
}

function checkPreconditions(store: ResourceStore, { metadata }: KubeObject, options: DeleteOptions): void {
  const mismatch = mismatchOf(options.preconditions ?? {}, metadata);
  if (!mismatch) return;
  const { what, wanted, found } = mismatch;
  const { group, kind, registration } = store.definition;
  const guess =
    what === 'UID' ? 'The object might have been deleted and then recreated' : 'The object might have been modified';
  throw conflict(
    { group: (registration.storedAs ?? { group }).group, resource: kind },
    metadata.name ?? '',
    `the ${what} in the precondition (${wanted}) does not match the ${what} in record (${found}). ${guess}`,
  );
}

function markAsDeleting(object: KubeObject, now: Date): void {
  const { metadata } = object;
  if (metadata.deletionTimestamp === undefined) bumpGeneration(object);
  if (metadata.deletionTimestamp === undefined || Date.parse(metadata.deletionTimestamp) > now.getTime()) {
    metadata.deletionTimestamp = formatTime(now);
  }
  metadata.deletionGracePeriodSeconds = 0;
}

function bumpGeneration(object: KubeObject): void {
  if ((object.metadata.generation ?? 0) > 0) object.metadata.generation = object.metadata.generation! + 1;
}

/** The finalizers that the garbage collector needs, given the propagation policy. */
function finalizersFor(store: ResourceStore, object: KubeObject, options: DeleteOptions): string[] {
  const current = object.metadata.finalizers ?? [];
  const policy = store.definition.registration.strategy.defaultGarbageCollectionPolicy ?? 'DeleteDependents';
  if (policy === 'Unsupported') return current.filter((f) => f !== ORPHAN && f !== FOREGROUND);
  const wanted = propagation(current, options) ?? (policy === 'OrphanDependents' ? ORPHAN : undefined);
  const others = current.filter((f) => f !== ORPHAN && f !== FOREGROUND);
  return wanted === ORPHAN || wanted === FOREGROUND ? [...others, wanted] : others;
}

/** The finalizer that options or object ask for; 'background' where none is asked for explicitly. */
function propagation(current: readonly string[], options: DeleteOptions): string | undefined {
  if (options.orphanDependents !== undefined) return options.orphanDependents ? ORPHAN : 'background';
  if (options.propagationPolicy === 'Orphan') return ORPHAN;
  if (options.propagationPolicy === 'Foreground') return FOREGROUND;
  if (options.propagationPolicy === 'Background') return 'background';
  return current.find((f) => f === ORPHAN || f === FOREGROUND);
}

function setFinalizers(object: KubeObject, finalizers: string[]): void {
  if (finalizers.length === 0) delete object.metadata.finalizers;
  else object.metadata.finalizers = finalizers;
}

function sameSet(a: readonly string[], b: readonly string[]): boolean {
  return a.every((x) => b.includes(x)) && b.every((x) => a.includes(x));
}

/** @throws StatusError 422 as meta/v1 ValidateDeleteOptions says */
export function validateDeleteOptions(options: DeleteOptions): void {
  const errors: field.FieldError[] = [];
  if (options.propagationPolicy !== undefined && options.orphanDependents !== undefined) {
    errors.push(
      field.invalid(
        field.Path.of('propagationPolicy'),
        options.propagationPolicy,
        'orphanDependents and deletionPropagation cannot be both set',
      ),
    );
  }
  const policies = ['Foreground', 'Background', 'Orphan', 'nil'];
  if (options.propagationPolicy !== undefined && !policies.slice(0, 3).includes(options.propagationPolicy)) {
    errors.push(field.notSupported(field.Path.of('propagationPolicy'), options.propagationPolicy, policies));
  }
  if (options.dryRun?.some((d) => d !== 'All'))
    errors.push(field.notSupported(field.Path.of('dryRun'), options.dryRun, ['All']));
  if (errors.length > 0) throw invalid('meta.k8s.io', 'DeleteOptions', '', errors);
}
