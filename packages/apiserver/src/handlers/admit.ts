/** The admission chain as the write handlers call it. */
import type { KubeObject } from '@keelson/api/object';
import type { AdmissionAttributes, Operation } from '../admission/plugin.ts';
import { addWarning } from '../context.ts';
import type { DeleteOptions } from '../registry/strategy.ts';
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
  return {
    operation: subject.operation,
    kind: { group: definition.group, version: served.version, kind: subresource?.kind ?? definition.kind },
    resource: { group: definition.group, version: served.version, resource: definition.resource },
    subresource: subresource?.name ?? '',
    namespace: ctx.info.namespace,
    name: subject.name,
    object: subject.object,
    oldObject: subject.oldObject,
    dryRun: subject.dryRun,
    user: ctx.user,
    apiVersion: requestApiVersion(served),
    ...(subject.deleteOptions ? { deleteOptions: subject.deleteOptions } : {}),
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
