/** The admission chain as the write handlers call it. */
import { decodeManaged } from '@keelson/api/apply/managed';
import { forbidden } from '@keelson/api/errors';
import type { KubeObject, ManagedFieldsEntry } from '@keelson/api/object';
import { isAnnotationKey } from '../admission/annotations.ts';
import type { AdmissionAttributes, Operation } from '../admission/plugin.ts';
import { Round } from '../admission/round.ts';
import { addWarning } from '../context.ts';
import { checkInTime, msLeft } from '../deadline.ts';
import type { DeleteOptions } from '../registry/strategy.ts';
import { operationOptions } from './options.ts';
import { dedupOwnerReferences } from './owners.ts';
import { requestApiVersion, type Scope } from './scope.ts';

interface Subject {
  readonly operation: Operation;
  readonly name: string;
  readonly object?: KubeObject | undefined;
  readonly oldObject?: KubeObject | undefined;
  readonly dryRun: boolean;
  readonly deleteOptions?: DeleteOptions;
  /** The namespace that a cluster-scoped object counts as being in. */
  readonly ownNamespace?: string;
}

type Admitting = Pick<Scope, 'ctx' | 'served' | 'subresource' | 'admission'>;

function attributes(scope: Admitting, subject: Subject): AdmissionAttributes {
  const { ctx, served, subresource } = scope;
  const { definition } = served;
  const { operation, deleteOptions } = subject;
  return {
    operation,
    kind: {
      group: subresource?.group ?? definition.group,
      version: subresource?.version ?? served.version,
      kind: subresource?.kind ?? definition.kind,
    },
    resource: { group: definition.group, version: served.version, resource: definition.resource },
    subresource: subresource?.name ?? '',
    namespace: ctx.info.namespace || subject.ownNamespace || '',
    name: subject.name,
    object: subject.object,
    oldObject: subject.oldObject,
    dryRun: subject.dryRun,
    user: ctx.user,
    apiVersion: requestApiVersion(served),
    ...(deleteOptions ? { deleteOptions } : {}),
    options: () => operationOptions(operation, ctx.info.query, deleteOptions),
    round: new Round(),
    msLeft: () => msLeft(ctx),
    warn: (text: string) => addWarning(ctx, text),
    annotate: (key: string, value: string) => {
      // Nobody overwrites what another one has said.
      if (isAnnotationKey(key)) ctx.auditAnnotations[key] ??= value;
    },
    annotateRequest: (key: string, value: () => string) => {
      if (ctx.audit?.wantsRequest) ctx.auditAnnotations[key] ??= value();
    },
  };
}

/** May change the object. @throws StatusError what a plugin refuses */
export function mutate(scope: Admitting, subject: Subject): Promise<void> {
  return scope.admission.mutate(attributes(scope, subject));
}

/**
 * By now the object has the name that was made for it. What follows is the write.
 * @throws StatusError what a plugin refuses; 504 where the client has been told that it took too long
 */
export async function validate(scope: Admitting, subject: Subject): Promise<void> {
  const name = subject.name || (subject.object?.metadata?.name ?? '');
  await scope.admission.validate(attributes(scope, { ...subject, name }));
  checkInTime(scope.ctx);
}

/**
 * Mutating admission of what is to be written.
 * @param live what is stored; undefined: it is about to be created
 * @param object as the endpoint has it; may be changed
 * @returns the object to store
 */
export async function mutateWrite(
  scope: Scope,
  name: string,
  live: KubeObject | undefined,
  object: KubeObject,
  dryRun: boolean,
): Promise<KubeObject> {
  const { lens, ctx, served } = scope;
  if (!live && served.refusesNew) throw forbidden(served.definition, name, served.refusesNew);
  const seen = lens.readForAdmission ? object : lens.write(live, object);
  const { managedFields } = seen.metadata;
  await mutate(scope, { ...writeSubject(scope, name, live), object: seen, dryRun });
  checkManagedFields(ctx, seen, managedFields);
  const written = lens.readForAdmission ? lens.write(live, seen) : seen;
  dedupOwnerReferences(ctx, written, true);
  return written;
}

/** Validating admission of what is about to be stored. @throws StatusError what a plugin refuses */
export function validateWrite(
  scope: Scope,
  name: string,
  old: KubeObject | undefined,
  object: KubeObject,
  dryRun: boolean,
): Promise<void> {
  const { lens } = scope;
  const subject = { ...writeSubject(scope, name, old), object, dryRun };
  const { readForAdmission: seen } = lens;
  return validate(scope, seen ? { ...subject, object: seen(object), oldObject: old && seen(old) } : subject);
}

function writeSubject(
  { lens, served: { definition } }: Scope,
  name: string,
  old: KubeObject | undefined,
): Pick<Subject, 'operation' | 'name' | 'oldObject' | 'ownNamespace'> {
  return {
    operation: old ? 'UPDATE' : 'CREATE',
    name,
    oldObject: old && lens.readForAdmission ? lens.readForWrite(old) : old,
    ...(definition.registration.isItsOwnNamespace ? { ownNamespace: name } : {}),
  };
}

/** Whoever breaks the record of who owns what has no part in it (fieldmanager/admission.go). */
function checkManagedFields(ctx: Scope['ctx'], object: KubeObject, before: ManagedFieldsEntry[] | undefined): void {
  const { metadata } = object;
  if (metadata.managedFields === before) return;
  try {
    decodeManaged(metadata.managedFields);
  } catch (error) {
    const why = 'this could be caused by an outdated mutating admission controller; please fix your requests';
    addWarning(
      ctx,
      `.metadata.managedFields was in an invalid state after admission; ${why}: ${(error as Error).message}`,
    );
    if (before) metadata.managedFields = before;
    else delete metadata.managedFields;
  }
}
