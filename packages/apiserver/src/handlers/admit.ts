/** The admission chain as the write handlers call it. */
import type { KubeObject } from '@keelson/api/object';
import type { AdmissionAttributes, Operation } from '../admission/plugin.ts';
import { Round } from '../admission/round.ts';
import { addWarning } from '../context.ts';
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
    namespace: ctx.info.namespace,
    name: subject.name,
    object: subject.object,
    oldObject: subject.oldObject,
    dryRun: subject.dryRun,
    user: ctx.user,
    apiVersion: requestApiVersion(served),
    ...(deleteOptions ? { deleteOptions } : {}),
    options: () => operationOptions(operation, ctx.info.query, deleteOptions),
    round: new Round(),
    warn: (text: string) => addWarning(ctx, text),
    annotate: (key: string, value: string) => {
      ctx.auditAnnotations[key] = value;
    },
  };
}

/** May change the object. @throws StatusError what a plugin refuses */
export function mutate(scope: Admitting, subject: Subject): Promise<void> {
  return scope.admission.mutate(attributes(scope, subject));
}

/** By now the object has the name that was made for it. @throws StatusError what a plugin refuses */
export function validate(scope: Admitting, subject: Subject): Promise<void> {
  const name = subject.name || (subject.object?.metadata?.name ?? '');
  return scope.admission.validate(attributes(scope, { ...subject, name }));
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
  const { lens, ctx } = scope;
  const operation = live ? 'UPDATE' : 'CREATE';
  if (lens.admitsBodies) {
    const oldObject = live && lens.readForWrite(live);
    await mutate(scope, { operation, name, object, oldObject, dryRun });
    return lens.write(live, object);
  }
  const written = lens.write(live, object);
  await mutate(scope, { operation, name, object: written, oldObject: live, dryRun });
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
  const seen = (stored: KubeObject): KubeObject => (lens.admitsBodies ? lens.readForWrite(stored) : stored);
  return validate(scope, {
    operation: old ? 'UPDATE' : 'CREATE',
    name,
    object: seen(object),
    oldObject: old && seen(old),
    dryRun,
  });
}
