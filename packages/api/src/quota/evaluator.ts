/** How much of what is counted an object uses (k8s.io/apiserver/pkg/quota/v1). */

import { qualified } from '../errors.ts';
import type { Pod, ResourceQuota, ScopedResourceSelectorRequirement } from '../generated/types/core/v1.ts';
import type { DeviceClass, ResourceClaim } from '../generated/types/resource/v1.ts';
import type { TypedObject } from '../object.ts';
import { type Amounts, ONE } from './amounts.ts';

/** A request, as far as quotas care; admission's attributes are one. */
export interface Request {
  readonly operation: string;
  /** Empty for the resource itself. */
  readonly subresource: string;
  readonly object: TypedObject | undefined;
  readonly oldObject: TypedObject | undefined;
}

/** For one kind of objects. */
export interface Evaluator {
  /** Whether a request can change what is used. */
  handles(request: Request): boolean;
  /** Whether a quota for this name counts such objects. */
  counts(name: string): Promise<boolean> | boolean;
  usage(object: TypedObject): Promise<Amounts> | Amounts;
  /** Kinds without scopes match none. */
  inScope?(requirement: ScopedResourceSelectorRequirement, object: TypedObject): boolean;
  /** What the object lacks to be counted. @param names that the quota limits. @returns the problem */
  lacks?(names: readonly string[], object: TypedObject): string | undefined;
}

/** `count/deployments.apps`: every resource can be counted under this name. */
export function countName(resource: { readonly group: string; readonly resource: string }): string {
  return `count/${qualified(resource)}`;
}

/** Counts objects. @param alias a name from before there were count names */
export function objectCount(
  resource: { readonly group: string; readonly resource: string },
  alias?: string,
): Evaluator {
  const names = [countName(resource), ...(alias === undefined ? [] : [alias])];
  return {
    handles: ({ operation, subresource }) => operation === 'CREATE' && subresource === '',
    counts: (name) => names.includes(name),
    usage: () => new Map(names.map((name) => [name, ONE])),
  };
}

/** Scopes and scope selectors of a quota, as requirements. */
export function scopesOf({ spec }: ResourceQuota): ScopedResourceSelectorRequirement[] {
  return [
    ...(spec?.scopes ?? []).map((scopeName) => ({ scopeName, operator: 'Exists' })),
    ...(spec?.scopeSelector?.matchExpressions ?? []),
  ];
}

/** @param values that an object has of what the scope speaks of */
export function matchesRequirement(
  { operator, values }: ScopedResourceSelectorRequirement,
  found: readonly string[],
): boolean {
  switch (operator) {
    case 'Exists':
      return found.length > 0;
    case 'DoesNotExist':
      return found.length === 0;
    case 'In':
      return found.some((value) => values?.includes(value));
    case 'NotIn':
      return found.length === 0 || found.some((value) => !values?.includes(value));
    default:
      return false;
  }
}

/** The feature gates that decide what counts. */
export type QuotaGate = 'DRAExtendedResource' | 'PodLevelResources';

/** Where usage depends on other objects: in what a server has, or in a controller's copies. */
export interface QuotaObjects {
  deviceClasses(): Promise<readonly DeviceClass[]> | readonly DeviceClass[];
  resourceClaims(namespace: string): Promise<readonly ResourceClaim[]> | readonly ResourceClaim[];
  pod(namespace: string, name: string): Promise<Pod | undefined> | Pod | undefined;
}
