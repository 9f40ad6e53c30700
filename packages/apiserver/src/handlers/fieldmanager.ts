/** The manager of managedFields for a request's resource, version and subresource. */
import type { KubeObject } from '@keelson/api/object';
import type { ServedResource } from '../registry/resource.ts';
import type { Scope } from './scope.ts';

interface Manager {
  update(live: KubeObject | undefined, object: KubeObject, manager: string, now: Date): KubeObject;
}

export function fieldManagerFor(scope: Scope): Manager {
  return fieldManagerOf(scope.served, scope.subresource?.name ?? '');
}

export function fieldManagerOf(_served: ServedResource, _subresource: string): Manager {
  return { update: (_live, object) => object };
}
