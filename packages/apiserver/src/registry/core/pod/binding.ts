/** Binding a pod to a node: what schedulers do (pkg/registry/core/pod/storage BindingREST). */
import { aggregateText } from '@keelson/api/aggregate';
import { badRequest, conflict, StatusError } from '@keelson/api/errors';
import * as field from '@keelson/api/field';
import type { Binding, Pod } from '@keelson/api/generated/types/core/v1';
import type { KubeObject, TypedObject } from '@keelson/api/object';
import type { IsEnabled } from '../../../gates.ts';
import type { VirtualKind, VirtualRequest } from '../../../handlers/virtual.ts';
import type { ResourceStore } from '../../store.ts';
import { setPodCondition } from './conditions.ts';

export interface BindingDeps {
  readonly pods: () => ResourceStore;
  readonly isEnabled: IsEnabled;
}

/** `pods/binding`, and `bindings` where the pod's name is the binding's. */
export function bindingKind({ pods, isEnabled }: BindingDeps): VirtualKind {
  return {
    keepsSystemMetadata: true,
    async create(request, object) {
      const binding = object as TypedObject as Binding;
      const name = binding.metadata.name ?? '';
      if (request.name !== '' && request.name !== name) {
        throw badRequest('name in URL does not match name in Binding object');
      }
      checkTarget(binding);
      await request.admit();
      await assign(pods(), request, binding, isEnabled);
      return success();
    },
  };
}

/** An error that is none of the API's own: upstream answers 500 with the bare words. */
function checkTarget({ target }: Binding): void {
  const path = field.Path.of('target');
  const errors: field.ErrorList = [];
  if (target.kind && target.kind !== 'Node')
    errors.push(field.notSupported(path.child('kind'), target.kind, ['Node', '<empty>']));
  if (!target.name) errors.push(field.required(path.child('name')));
  if (errors.length === 0) return;
  throw new StatusError(500, '', aggregateText(errors.map(String)));
}

async function assign(
  pods: ResourceStore,
  request: VirtualRequest,
  binding: Binding,
  isEnabled: IsEnabled,
): Promise<void> {
  const { name = '', uid, resourceVersion } = binding.metadata;
  const { namespace, user, now, dryRun } = request;
  await pods.change({
    ctx: { namespace, user, now, dryRun, requestVersion: 'v1' },
    name,
    preconditions: { ...(uid ? { uid } : {}), ...(resourceVersion ? { resourceVersion } : {}) },
    change: (stored) => {
      const pod = stored as TypedObject as Pod;
      const refuse = (why: string): never => {
        throw conflict({ group: '', resource: 'pods/binding' }, name, why);
      };
      if (pod.metadata.deletionTimestamp !== undefined)
        refuse(`pod ${name} is being deleted, cannot be assigned to a host`);
      if (pod.spec.nodeName) refuse(`pod ${name} is already assigned to node ${field.quote(pod.spec.nodeName)}`);
      if (pod.spec.schedulingGates?.length) refuse(`pod ${name} has non-empty .spec.schedulingGates`);
      pod.spec.nodeName = binding.target.name!;
      if (isEnabled('ClearingNominatedNodeNameAfterBinding')) delete pod.status.nominatedNodeName;
      merge(pod.metadata, 'annotations', binding.metadata.annotations);
      if (isEnabled('PodTopologyLabelsAdmission')) merge(pod.metadata, 'labels', binding.metadata.labels);
      setPodCondition(pod, { type: 'PodScheduled', status: 'True' }, now);
    },
  });
}

function merge(
  metadata: Pod['metadata'],
  key: 'labels' | 'annotations',
  added: Record<string, string> | undefined,
): void {
  if (added && Object.keys(added).length > 0) metadata[key] = { ...metadata[key], ...added };
}

export function success(): KubeObject {
  return { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', code: 201 };
}
