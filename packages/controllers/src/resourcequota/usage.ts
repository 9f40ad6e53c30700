/** What of a quota is used, counted anew (pkg/controller/resourcequota, k8s.io/apiserver/pkg/quota/v1). */
import type { ResourceQuota } from '@keelson/api/generated/types/core/v1';
import type { TypedObject } from '@keelson/api/object';
import { type Amounts, only, sameAmounts, sum, toResourceList, ZERO } from '@keelson/api/quota/amounts';
import { type Evaluator, scopesOf } from '@keelson/api/quota/evaluator';
import { parseResources } from '@keelson/api/resources/list';

/** Objects of one kind in the quota's namespace, and how they are counted. */
export interface Counted {
  readonly evaluator: Evaluator;
  readonly objects: Iterable<TypedObject>;
}

export interface Counts {
  readonly counted: readonly Counted[];
  /** Names of what could not be listed yet. */
  readonly unknown: ReadonlySet<string>;
}

/** @returns what is used of what the quota limits; nothing of a name stands as zero, what is unknown as it was */
export async function usageOf(quota: ResourceQuota, { counted, unknown }: Counts): Promise<Amounts> {
  const limited = new Set(Object.keys(quota.spec?.hard ?? {}));
  const scopes = scopesOf(quota);
  let used: Amounts = new Map([...limited].map((name) => [name, ZERO]));
  for (const { evaluator, objects } of counted) {
    for (const object of objects) {
      const inScope = scopes.every((scope) => evaluator.inScope?.(scope, object) ?? false);
      if (inScope) used = sum(used, await evaluator.usage(object));
    }
  }
  const before: Amounts = new Map(parseResources(quota.status?.used));
  return new Map([
    ...only(used, (name) => limited.has(name) && !unknown.has(name)),
    ...only(before, (name) => limited.has(name) && unknown.has(name)),
  ]);
}

/** The status that says so; undefined when the quota's does already. */
export function statusOf(quota: ResourceQuota, used: Amounts): NonNullable<ResourceQuota['status']> | undefined {
  const hard = new Map(parseResources(quota.spec?.hard));
  const { status } = quota;
  const isRight =
    status?.hard !== undefined &&
    status.used !== undefined &&
    sameAmounts(hard, new Map(parseResources(status.hard))) &&
    sameAmounts(used, new Map(parseResources(status.used)));
  return isRight ? undefined : { hard: toResourceList(hard), used: toResourceList(used) };
}
