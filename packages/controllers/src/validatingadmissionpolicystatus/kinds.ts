/** Which kinds a policy is about, as far as its rules name them (TypeChecker.typesToCheck). */
import type { ValidatingAdmissionPolicy } from '@keelson/api/generated/types/admissionregistration/v1';
import type { GroupVersionKind } from '@keelson/api/object';
import type { ServedResource } from '@keelson/client';

/** Of each rule. */
const MOST = 10;

/**
 * Kinds in the order of group, version and kind. What is a wildcard, or a subresource, is not followed.
 * @param served undefined where something that is named was not found, which may be tried again with fresher knowledge
 */
export function kindsOf(
  { spec }: ValidatingAdmissionPolicy,
  served: readonly ServedResource[],
): { kinds: GroupVersionKind[]; isComplete: boolean } {
  const found = new Map<string, GroupVersionKind>();
  let isComplete = true;
  const sorted = () => ({ kinds: [...found.values()].sort(byName), isComplete });
  for (const { apiGroups = [], apiVersions = [], resources = [] } of spec?.matchConstraints?.resourceRules ?? []) {
    const named = (resources ?? []).filter((resource) => !/[*/]/.test(resource));
    if ([...(apiGroups ?? []), ...(apiVersions ?? [])].some((each) => each.includes('*'))) continue;
    let count = 0;
    for (const [group, version, resource] of combinations(apiGroups ?? [], apiVersions ?? [], named)) {
      const matching = served.filter((each) => matches(each, group, version, resource));
      if (matching.length === 0) isComplete = false;
      for (const { group, version, kind } of matching) {
        found.set(`${group}/${version}/${kind}`, { group, version, kind });
        if (++count === MOST) return sorted();
      }
    }
  }
  return sorted();
}

function* combinations(groups: readonly string[], versions: readonly string[], resources: readonly string[]) {
  for (const group of [...groups].sort()) {
    for (const version of [...versions].sort()) {
      for (const resource of [...resources].sort()) yield [group, version, resource] as const;
    }
  }
}

/** The core group has no name, and so stands for all of them here. */
function matches(served: ServedResource, group: string, version: string, resource: string): boolean {
  return served.resource === resource && served.version === version && (group === '' || served.group === group);
}

function byName(a: GroupVersionKind, b: GroupVersionKind): number {
  return compare(a.group, b.group) || compare(a.version, b.version) || compare(a.kind, b.kind);
}

function compare(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}
