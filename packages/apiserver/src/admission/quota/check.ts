/** Whether the quotas of a namespace leave room for a request (k8s.io/apiserver/pkg/admission/plugin/resourcequota). */
import { StatusError } from '@keelson/api/errors';
import type { ResourceQuota, ScopedResourceSelectorRequirement } from '@keelson/api/generated/types/core/v1';
import type { TypedObject } from '@keelson/api/object';
import { type Amounts, excess, only, showAmounts, showNames, sum } from '@keelson/api/quota/amounts';
import { type Evaluator, scopesOf } from '@keelson/api/quota/evaluator';
import { parseResources } from '@keelson/api/resources/list';
import { type AdmissionAttributes, refuse } from '../plugin.ts';
import type { LimitedResource } from './config.ts';

/** A quota, and what of it is used if all requests so far are let in. */
export interface Balance {
  readonly quota: ResourceQuota;
  readonly hard: Amounts;
  readonly used: Amounts;
}

export function balanceOf(quota: ResourceQuota): Balance {
  return {
    quota,
    hard: new Map(parseResources(quota.status?.hard)),
    used: new Map(parseResources(quota.status?.used)),
  };
}

/**
 * @param limited what may not be used without a quota for it
 * @returns the balances with the request let in; the same ones where it changes nothing
 * @throws StatusError where there is no room
 */
export async function admitted(
  balances: readonly Balance[],
  a: AdmissionAttributes,
  evaluator: Evaluator,
  limited: readonly LimitedResource[],
): Promise<readonly Balance[]> {
  const object = a.object as TypedObject;
  const counting = await quotasThatCount(balances, a, evaluator);
  const usage = await evaluator.usage(object);
  const negative = only(usage, (_, amount) => amount.sign() < 0);
  if (negative.size > 0) throw refuse(a, `quota usage is negative for resource(s): ${showNames(negative.keys())}`);

  const increase = a.operation === 'UPDATE' ? await increaseBy(usage, a, evaluator) : usage;
  const changes = new Map<Balance, Amounts>();
  for (const balance of counting.keys()) {
    const counted = a.operation === 'UPDATE' && (await matches(balance, evaluator, a.oldObject as TypedObject));
    const change = withoutZeros(counted ? increase : usage);
    if (change.size > 0) changes.set(balance, change);
  }
  const uses = counting.size > 0 ? changes.size > 0 : withoutZeros(increase).size > 0;
  if (!uses) return balances;

  const names = new Set([...counting.values()].flat());
  refuseUncovered(a, limitedNames(a, usage, limited), names);
  refuseUncoveredScopes(
    limited.flatMap((l) => inScope(l.matchScopes, evaluator, object)),
    balances.flatMap(({ quota }) => inScope(scopesOf(quota), evaluator, object)),
  );
  return balances.map((balance) => {
    const change = changes.get(balance);
    return change ? charge(a, balance, change) : balance;
  });
}

/** With the names that they count the object under. @throws StatusError for an object that cannot be counted */
async function quotasThatCount(
  balances: readonly Balance[],
  a: AdmissionAttributes,
  evaluator: Evaluator,
): Promise<Map<Balance, readonly string[]>> {
  const object = a.object as TypedObject;
  const found = new Map<Balance, readonly string[]>();
  for (const balance of balances) {
    if (!(await matches(balance, evaluator, object))) continue;
    const { quota, used } = balance;
    const names = await countedNames(balance, evaluator);
    const problem = evaluator.lacks?.(names, object);
    if (problem) throw refuse(a, `failed quota: ${quota.metadata.name}: ${problem}`);
    if (names.some((name) => !used.has(name)))
      throw refuse(a, `status unknown for quota: ${quota.metadata.name}, resources: ${showNames(names)}`);
    found.set(balance, names);
  }
  return found;
}

async function matches(balance: Balance, evaluator: Evaluator, object: TypedObject): Promise<boolean> {
  const scopes = scopesOf(balance.quota);
  return (
    inScope(scopes, evaluator, object).length === scopes.length && (await countedNames(balance, evaluator)).length > 0
  );
}

async function countedNames({ hard }: Balance, evaluator: Evaluator): Promise<string[]> {
  const names: string[] = [];
  for (const name of hard.keys()) if (await evaluator.counts(name)) names.push(name);
  return names;
}

function inScope(
  requirements: readonly ScopedResourceSelectorRequirement[],
  evaluator: Evaluator,
  object: TypedObject,
): ScopedResourceSelectorRequirement[] {
  return requirements.filter((requirement) => evaluator.inScope?.(requirement, object));
}

async function increaseBy(usage: Amounts, a: AdmissionAttributes, evaluator: Evaluator): Promise<Amounts> {
  if (!a.oldObject) throw refuse(a, 'unable to get previous usage since prior version of object was not found');
  return excess(usage, await evaluator.usage(a.oldObject as TypedObject));
}

function withoutZeros(amounts: Amounts): Amounts {
  return only(amounts, (_, amount) => !amount.isZero());
}

/** The names in the usage that need a quota. */
function limitedNames(
  { resource }: AdmissionAttributes,
  usage: Amounts,
  limited: readonly LimitedResource[],
): string[] {
  const own = limited.filter((l) => l.apiGroup === resource.group && l.resource === resource.resource);
  return [...usage]
    .filter(
      ([name, amount]) => amount.sign() > 0 && own.some((l) => l.matchContains.some((part) => name.includes(part))),
    )
    .map(([name]) => name);
}

function refuseUncovered(a: AdmissionAttributes, needed: readonly string[], covered: ReadonlySet<string>): void {
  const uncovered = needed.filter((name) => !covered.has(name));
  if (uncovered.length > 0) throw refuse(a, `insufficient quota to consume: ${showNames(uncovered)}`);
}

function refuseUncoveredScopes(
  needed: readonly ScopedResourceSelectorRequirement[],
  covering: readonly ScopedResourceSelectorRequirement[],
): void {
  const uncovered = needed.filter((n) => !covering.some((c) => c.scopeName === n.scopeName));
  if (uncovered.length === 0) return;
  const shown = uncovered.map((u) => `{${u.scopeName} ${u.operator} [${(u.values ?? []).join(' ')}]}`);
  throw new StatusError(500, '', `insufficient quota to match these scopes: [${shown.join(' ')}]`);
}

function charge(a: AdmissionAttributes, { quota, hard, used }: Balance, change: Amounts): Balance {
  const requested = only(change, (name) => hard.has(name));
  const next = sum(used, requested);
  // What the status says is already so.
  if (a.subresource !== 'status') {
    const exceeded = only(requested, (name) => next.get(name)!.cmp(hard.get(name)!) > 0);
    const of = (amounts: Amounts) => showAmounts(only(amounts, (name) => exceeded.has(name)));
    if (exceeded.size > 0)
      throw refuse(
        a,
        `exceeded quota: ${quota.metadata.name}, requested: ${of(requested)}, used: ${of(used)}, limited: ${of(hard)}`,
      );
  }
  return { quota, hard, used: next };
}
