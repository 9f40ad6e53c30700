/**
 * OwnerReferencesPermissionEnforcement: who makes an object go with another one must be allowed to delete it, and who
 * makes the other one wait for it must be allowed to finalize that (plugin/pkg/admission/gc).
 */
import { semanticEqual } from '@keelson/api/codec/equality';
import type { OwnerReference } from '@keelson/api/generated/types/meta/v1';
import { parseApiVersion } from '@keelson/api/object';
import { type Attributes, type Decision, resourceAttributes } from '../authz/attributes.ts';
import { type AdmissionAttributes, type AdmissionPlugin, type AdmissionWorld, refuse } from './plugin.ts';

export function ownerReferencesPermissionEnforcement(world: AdmissionWorld): AdmissionPlugin {
  const { authorize } = world;

  /** All resources of the kind: any of them could be meant. */
  function finalizing(ref: OwnerReference, a: AdmissionAttributes): Attributes[] {
    const { group, version } = parseApiVersion(ref.apiVersion);
    const resources = world.resourcesOfKind(group, version, ref.kind);
    if (resources.length === 0)
      throw refuse(
        a,
        `cannot set blockOwnerDeletion in this case because cannot find RESTMapping for APIVersion ${ref.apiVersion} Kind ${ref.kind}: no matches for kind "${ref.kind}" in version "${ref.apiVersion}"`,
      );
    return resources.map(({ resource, namespaced }) =>
      resourceAttributes({
        user: a.user,
        verb: 'update',
        apiGroup: group,
        apiVersion: version,
        resource,
        subresource: 'finalizers',
        name: ref.name,
        ...(namespaced ? { namespace: a.namespace } : {}),
      }),
    );
  }

  return {
    name: 'OwnerReferencesPermissionEnforcement',
    // What kubelets report of pods has no owners: the strategy sees to it.
    handles: (operation, resource, subresource) =>
      (operation === 'CREATE' || operation === 'UPDATE') && !(resource === 'pods' && subresource === 'status'),
    async validate(a) {
      const [refs, old] = [a.object?.metadata?.ownerReferences ?? [], a.oldObject?.metadata?.ownerReferences ?? []];
      if (semanticEqual(refs, old)) return;
      if (a.operation !== 'CREATE') {
        const decision = await authorize(deleting(a));
        if (decision.decision !== 'allow')
          throw refuse(a, `cannot set an ownerRef on a resource you can't delete: ${why(decision)}`);
      }
      const blocking = refs.filter(
        (ref) => ref.blockOwnerDeletion && !old.find((o) => o.uid === ref.uid)?.blockOwnerDeletion,
      );
      if (blocking.length === 0 || (await authorize(finalizingAnything(a))).decision === 'allow') return;
      for (const asked of blocking.flatMap((ref) => finalizing(ref, a))) {
        const decision = await authorize(asked);
        if (decision.decision !== 'allow')
          throw refuse(
            a,
            `cannot set blockOwnerDeletion if an ownerReference refers to a resource you can't set finalizers on: ${why(decision)}`,
          );
      }
    },
  };
}

function deleting({ user, namespace, name, resource, subresource }: AdmissionAttributes): Attributes {
  const { group: apiGroup, version: apiVersion } = resource;
  const what = { apiGroup, apiVersion, resource: resource.resource, subresource, namespace, name };
  return resourceAttributes({ user, verb: 'delete', ...what });
}

function finalizingAnything({ user }: AdmissionAttributes): Attributes {
  const anything = { apiGroup: '*', apiVersion: '*', resource: '*', subresource: 'finalizers', name: '*' };
  return resourceAttributes({ user, verb: 'update', ...anything });
}

function why({ reason, error }: Decision): string {
  return `${reason}, ${error?.message ?? '<nil>'}`;
}
