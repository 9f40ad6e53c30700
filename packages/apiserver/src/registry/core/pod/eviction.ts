/** Eviction: a deletion that disruption budgets can forbid for now (pkg/registry/core/pod/storage EvictionREST). */
import {
  badRequest,
  conflict,
  forbidden,
  hasReason,
  invalid,
  StatusError,
  timeout,
  tooManyRequests,
} from '@keelson/api/errors';
import * as field from '@keelson/api/field';
import type { Pod } from '@keelson/api/generated/types/core/v1';
import type { Eviction, PodDisruptionBudget } from '@keelson/api/generated/types/policy/v1';
import { apiVersionOf, type KubeObject, type TypedObject } from '@keelson/api/object';
import { selectorOfObject } from '@keelson/api/selectors/labels';
import { formatTime } from '@keelson/api/time';
import { API_SERVER_MANAGER } from '../../../bootstrap/client.ts';
import { fieldManagerOf } from '../../../handlers/fieldmanager.ts';
import type { VirtualKind, VirtualRequest } from '../../../handlers/virtual.ts';
import { deleteObject } from '../../delete.ts';
import type { ResourceStore } from '../../store.ts';
import type { DeleteOptions, StrategyContext } from '../../strategy.ts';
import { success } from './binding.ts';
import { isPodReady, setPodCondition } from './conditions.ts';

export interface EvictionDeps {
  readonly pods: () => ResourceStore;
  readonly budgets: () => ResourceStore;
}

const MAX_DISRUPTED_PODS = 2000;
const ATTEMPTS = 20;
const FORBIDDEN_BY_BUDGET = "Cannot evict pod as it would violate the pod's disruption budget.";

export function evictionKind(deps: EvictionDeps): VirtualKind {
  return {
    alsoAccepts: ['policy/v1beta1'],
    async create(request, object) {
      const eviction = object as TypedObject as Eviction;
      if (request.name !== eviction.metadata.name) {
        throw badRequest('name in URL does not match name in Eviction object');
      }
      refuseIgnoredErrors(eviction, request.name);
      const options = withDryRun((eviction.deleteOptions ?? {}) as DeleteOptions, request.dryRun);
      await request.admit();
      await evict(deps, { ...request, dryRun: (options.dryRun?.length ?? 0) > 0 }, options);
      return success();
    },
  };
}

/** Who evicts a pod has to be able to read it. @throws StatusError 422 */
function refuseIgnoredErrors({ deleteOptions }: Eviction, name: string): void {
  if (!deleteOptions?.ignoreStoreReadErrorWithClusterBreakingPotential) return;
  const path = field.Path.of('deleteOptions', 'ignoreStoreReadErrorWithClusterBreakingPotential');
  const problem = 'can not be set for pod eviction, try after removing the option';
  throw invalid('policy', 'Eviction', name, [field.invalid(path, true, problem)]);
}

/** A dry run where either the request or its body asks for one. @throws StatusError 500 where they ask for different ones */
function withDryRun(options: DeleteOptions, dryRun: boolean): DeleteOptions {
  const said = options.dryRun ?? [];
  if (!dryRun || (said.length === 1 && said[0] === 'All')) return options;
  if (said.length === 0) return { ...options, dryRun: ['All'] };
  const problem = `Non-matching dry-run options in request and content: [All] and [${said.join(' ')}]`;
  throw new StatusError(500, '', problem);
}

async function evict(deps: EvictionDeps, request: VirtualRequest, options: DeleteOptions): Promise<void> {
  const pods = deps.pods();
  const pinned = options.preconditions?.resourceVersion !== undefined;
  for (let attempt = 1; ; attempt++) {
    const pod = await podOf(pods, request);
    if (!needsBudget(pod)) {
      const guarded = pod.status.phase === 'Pending' && !pinned ? at(pod, options) : options;
      try {
        return await removePod(pods, request, guarded);
      } catch (error) {
        if (pinned || attempt === ATTEMPTS || !hasReason(error, 'Conflict')) throw error;
        continue;
      }
    }
    const budgets = await budgetsOf(deps.budgets(), pod);
    if (budgets.length > 1) {
      throw new StatusError(
        500,
        '',
        'This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.',
      );
    }
    const budget = budgets[0];
    if (!budget) return removePod(pods, request, options);
    if (!isPodReady(pod) && mayEvictUnready(budget)) {
      // Between the look at the pod and its deletion it must not have become ready.
      return removePod(pods, request, at(pod, options)).catch((error: unknown) => {
        throw hasReason(error, 'Conflict') && !pinned ? stillProcessing(budget.metadata.name ?? '') : error;
      });
    }
    await spend(deps.budgets(), budget, request);
    return removePod(pods, request, options);
  }
}

/** Pods that have ended, have not begun or are going anyway disrupt nothing. */
function needsBudget({ status, metadata }: Pod): boolean {
  return !['Succeeded', 'Failed', 'Pending'].includes(status.phase ?? '') && metadata.deletionTimestamp === undefined;
}

function mayEvictUnready({ spec, status }: PodDisruptionBudget): boolean {
  if (spec.unhealthyPodEvictionPolicy === 'AlwaysAllow') return true;
  return status.currentHealthy >= status.desiredHealthy && status.desiredHealthy > 0;
}

/** Takes one disruption from the budget, or says why there is none. @throws StatusError 403, 429 */
async function spend(budgets: ResourceStore, budget: PodDisruptionBudget, request: VirtualRequest): Promise<void> {
  const name = budget.metadata.name ?? '';
  try {
    await budgets.change({
      ctx: contextOf(request),
      name,
      change: (stored) => {
        const current = stored as TypedObject as PodDisruptionBudget;
        checkAllowed(current);
        const before = structuredClone(stored);
        const { status } = current;
        status.disruptionsAllowed--;
        if (status.disruptionsAllowed === 0) markExhausted(current, request.now);
        status.disruptedPods = { ...status.disruptedPods, [request.name]: formatTime(request.now) };
        own(budgets, before, stored, request.now);
      },
    });
  } catch (error) {
    throw hasReason(error, 'Conflict')
      ? timeout(`couldn't update PodDisruptionBudget "${name}" due to conflicts`, 10)
      : error;
  }
}

/** What the server changes of a budget's status is its own. */
function own({ definition }: ResourceStore, before: KubeObject, stored: KubeObject, now: Date): void {
  const { group, version } = definition.storage;
  const fields = fieldManagerOf(definition.versions.get(apiVersionOf({ group, version }))!, 'status');
  const { managedFields } = fields.update(before, stored, API_SERVER_MANAGER, formatTime(now)).metadata;
  if (managedFields) stored.metadata.managedFields = managedFields;
}

function checkAllowed(budget: PodDisruptionBudget): void {
  const { status } = budget;
  const name = budget.metadata.name ?? '';
  const about = { group: 'policy', resource: 'poddisruptionbudget' };
  if ((status.observedGeneration ?? 0) < (budget.metadata.generation ?? 0)) throw stillProcessing(name);
  if (status.disruptionsAllowed < 0) throw forbidden(about, name, 'pdb disruptions allowed is negative');
  if (Object.keys(status.disruptedPods ?? {}).length > MAX_DISRUPTED_PODS) {
    throw forbidden(about, name, 'DisruptedPods map too big - too many evictions not confirmed by PDB controller');
  }
  if (status.disruptionsAllowed === 0) throw exhausted(FORBIDDEN_BY_BUDGET, 0, whyNone(budget));
}

function whyNone({ metadata, status }: PodDisruptionBudget): string {
  const condition = status.conditions?.find((c) => c.type === 'DisruptionAllowed');
  const head = `The disruption budget ${metadata.name}`;
  const isRefused = condition?.status === 'False' && condition.message !== '';
  if (isRefused && condition.reason === 'SyncFailed') {
    return `${head} does not allow evicting pods currently because it failed sync: ${condition.message}`;
  }
  if (status.currentHealthy <= status.desiredHealthy) {
    return `${head} needs ${status.desiredHealthy} healthy pods and has ${status.currentHealthy} currently`;
  }
  if (isRefused) return `${head} does not allow evicting pods currently (${condition.reason}): ${condition.message}`;
  return `${head} does not allow evicting pods currently`;
}

function markExhausted({ metadata, status }: PodDisruptionBudget, now: Date): void {
  status.conditions ??= [];
  const at = status.conditions.findIndex((c) => c.type === 'DisruptionAllowed');
  const condition = {
    type: 'DisruptionAllowed',
    status: 'False',
    observedGeneration: metadata.generation ?? 0,
    lastTransitionTime: formatTime(now),
    reason: 'InsufficientPods',
    message: '',
  };
  if (at < 0) status.conditions.push(condition);
  else status.conditions[at] = condition;
}

function stillProcessing(budget: string): StatusError {
  return exhausted(FORBIDDEN_BY_BUDGET, 10, `The disruption budget ${budget} is still being processed by the server.`);
}

function exhausted(message: string, retryAfterSeconds: number, cause: string): StatusError {
  const { code, reason, details } = tooManyRequests(message, retryAfterSeconds);
  return new StatusError(code, reason, message, {
    ...details,
    causes: [{ reason: 'DisruptionBudget', message: cause }],
  });
}

async function removePod(pods: ResourceStore, request: VirtualRequest, options: DeleteOptions): Promise<void> {
  const ctx = contextOf(request);
  const { name } = request;
  let { preconditions } = options;
  if (!request.dryRun) {
    const marked = await pods.change({
      ctx,
      name,
      change: (stored) => {
        const pod = stored as TypedObject as Pod;
        checkPreconditions(pod, preconditions);
        const message = 'Eviction API: evicting';
        setPodCondition(
          pod,
          { type: 'DisruptionTarget', status: 'True', reason: 'EvictionByEvictionAPI', message },
          request.now,
        );
      },
    });
    if (preconditions?.resourceVersion !== undefined) {
      preconditions = { ...preconditions, resourceVersion: marked.metadata.resourceVersion! };
    }
  }
  await deleteObject(pods, {
    ctx,
    warn: request.warn,
    name,
    options: { ...options, ...(preconditions ? { preconditions } : {}) },
  });
}

function checkPreconditions(pod: Pod, wanted: DeleteOptions['preconditions']): void {
  const { uid, resourceVersion, name = '' } = pod.metadata;
  const about = { group: '', resource: 'Pod' };
  if (wanted?.uid && wanted.uid !== uid) {
    throw conflict(
      about,
      name,
      `the UID in the precondition (${wanted.uid}) does not match the UID in record (${uid}). The object might have been deleted and then recreated`,
    );
  }
  if (wanted?.resourceVersion && wanted.resourceVersion !== resourceVersion) {
    throw conflict(
      about,
      name,
      `the ResourceVersion in the precondition (${wanted.resourceVersion}) does not match the ResourceVersion in record (${resourceVersion}). The object might have been modified`,
    );
  }
}

async function budgetsOf(budgets: ResourceStore, pod: Pod): Promise<PodDisruptionBudget[]> {
  await budgets.cacher.fresh();
  const all = budgets.cacher
    .list(pod.metadata.namespace ?? '')
    .map((c) => budgets.codec.object(c) as TypedObject as PodDisruptionBudget);
  return all.filter((budget) => {
    try {
      return selectorOfObject(budget.spec.selector).matches(pod.metadata.labels ?? {});
    } catch {
      return false;
    }
  });
}

async function podOf(pods: ResourceStore, { namespace, name }: VirtualRequest): Promise<Pod> {
  return (await pods.get(namespace, name)) as KubeObject as TypedObject as Pod;
}

function at(pod: Pod, options: DeleteOptions): DeleteOptions {
  return { ...options, preconditions: { ...options.preconditions, resourceVersion: pod.metadata.resourceVersion! } };
}

function contextOf({ namespace, user, now, dryRun }: VirtualRequest): StrategyContext {
  return { namespace, user, now, dryRun, requestVersion: 'v1' };
}
