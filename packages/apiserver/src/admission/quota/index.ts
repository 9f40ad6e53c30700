/**
 * ResourceQuota: what is let in is charged to the quotas of its namespace. The requests of a namespace are checked one
 * batch after the other, so that their charges add up and each quota is written once for many requests
 * (k8s.io/apiserver/pkg/admission/plugin/resourcequota/controller.go).
 */
import { internalError } from '@keelson/api/errors';
import type { ResourceQuota } from '@keelson/api/generated/types/core/v1';
import type { KubeObject, TypedObject } from '@keelson/api/object';
import { sameAmounts, toResourceList } from '@keelson/api/quota/amounts';
import { type Evaluator, objectCount } from '@keelson/api/quota/evaluator';
import { quotaEvaluators } from '@keelson/api/quota/evaluators';
import { LRUCache } from 'lru-cache';
import {
  type AdmissionAttributes,
  type AdmissionPlugin,
  type AdmissionWorld,
  isNamespace,
  resourceKey,
} from '../plugin.ts';
import { admitted, type Balance, balanceOf } from './check.ts';
import type { LimitedResource } from './config.ts';

const PATIENCE_MS = 10_000;
const RETRIES = 3;
const REMEMBERED = 100;

/** Never stored, or never counted. */
const IGNORED = new Set([
  ...['bindings', 'componentstatuses', 'events', 'events.events.k8s.io'],
  ...['tokenreviews', 'selfsubjectreviews'].map((name) => `${name}.authentication.k8s.io`),
  ...['subjectaccessreviews', 'selfsubjectaccessreviews', 'localsubjectaccessreviews', 'selfsubjectrulesreviews'].map(
    (name) => `${name}.authorization.k8s.io`,
  ),
]);

type QuotaWorld = Pick<AdmissionWorld, 'objects' | 'now' | 'isEnabled'>;

/** With what the server has. */
export function evaluatorsOf({ objects, now, isEnabled }: QuotaWorld): Map<string, Evaluator> {
  return quotaEvaluators(
    {
      deviceClasses: () => objects.list('deviceclasses.resource.k8s.io', ''),
      resourceClaims: (namespace) => objects.list('resourceclaims.resource.k8s.io', namespace),
      pod: (namespace, name) => objects.get('pods', namespace, name),
    },
    now,
    isEnabled,
  );
}

interface Waiting {
  readonly attributes: AdmissionAttributes;
  readonly evaluator: Evaluator;
  readonly admit: () => void;
  readonly refuse: (reason: unknown) => void;
}

export function resourceQuota(world: AdmissionWorld, limited: readonly LimitedResource[]): AdmissionPlugin {
  const { objects } = world;
  const evaluators = evaluatorsOf(world);
  /** By namespace: who waits for the batch that is being checked. */
  const queues = new Map<string, Waiting[]>();
  /** As this server wrote them; the watch cache may not have seen that yet. */
  const written = new LRUCache<string, ResourceQuota>({ max: REMEMBERED });

  function evaluatorOf({ resource }: AdmissionAttributes): Evaluator {
    const key = resourceKey(resource);
    const known = evaluators.get(key) ?? objectCount(resource);
    evaluators.set(key, known);
    return known;
  }

  function newest(quota: ResourceQuota): ResourceQuota {
    const key = `${quota.metadata.namespace}/${quota.metadata.name}`;
    const own = written.get(key);
    if (own && own.metadata.uid === quota.metadata.uid && revisionOf(own) > revisionOf(quota)) return own;
    written.delete(key);
    return quota;
  }

  async function write({ quota, used }: Balance): Promise<void> {
    const status = { ...quota.status, used: toResourceList(used) };
    const next = await world.updateQuotaStatus({ ...quota, status } as TypedObject as KubeObject);
    written.set(`${quota.metadata.namespace}/${quota.metadata.name}`, next as TypedObject as ResourceQuota);
  }

  async function checkBatch(namespace: string, batch: readonly Waiting[]): Promise<void> {
    const quotas = await objects.list('resourcequotas', namespace);
    await check(
      quotas.map((quota) => balanceOf(newest(quota))),
      batch,
      RETRIES,
    );
  }

  /** Lets in who finds room, if the quotas that they are charged to can be written. */
  async function check(start: readonly Balance[], batch: readonly Waiting[], retries: number): Promise<void> {
    let balances = start;
    const charged: Waiting[] = [];
    for (const waiting of batch) {
      const { attributes, evaluator } = waiting;
      try {
        const next = await admitted(balances, attributes, evaluator, limited);
        if (attributes.dryRun || next.every((balance, i) => sameAmounts(balance.used, balances[i]!.used)))
          waiting.admit();
        else {
          charged.push(waiting);
          balances = next;
        }
      } catch (thrown) {
        waiting.refuse(thrown);
      }
    }
    const changed = balances.filter((balance, i) => !sameAmounts(balance.used, start[i]!.used));
    const results = await Promise.allSettled(changed.map(write));
    const failed = changed.filter((_, i) => results[i]!.status === 'rejected');
    if (failed.length === 0) {
      for (const { admit } of charged) admit();
      return;
    }
    if (retries === 0) {
      const { reason } = results.findLast((r) => r.status === 'rejected')!;
      for (const { refuse } of charged) refuse(reason);
      return;
    }
    const again = await Promise.all(
      failed.map(({ quota: { metadata } }) => objects.getLive('resourcequotas', metadata.namespace!, metadata.name!)),
    );
    await check(
      again.flatMap((quota) => (quota ? [balanceOf(quota)] : [])),
      charged,
      retries - 1,
    );
  }

  async function work(namespace: string): Promise<void> {
    for (;;) {
      const batch = queues.get(namespace)!.splice(0);
      if (batch.length === 0) break;
      await checkBatch(namespace, batch).catch((thrown: unknown) => {
        for (const { refuse } of batch) refuse(thrown);
      });
    }
    queues.delete(namespace);
  }

  function enqueue(attributes: AdmissionAttributes, evaluator: Evaluator): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const waiting = { attributes, evaluator, admit: resolve, refuse: reject };
    const queue = queues.get(attributes.namespace);
    if (queue) queue.push(waiting);
    else {
      queues.set(attributes.namespace, [waiting]);
      void work(attributes.namespace);
    }
    return promise;
  }

  return {
    name: 'ResourceQuota',
    handles: (operation, resource) => (operation === 'CREATE' || operation === 'UPDATE') && !IGNORED.has(resource),
    async validate(a) {
      if (a.namespace === '' || (a.operation === 'CREATE' && isNamespace(a))) return;
      const evaluator = evaluatorOf(a);
      if (!evaluator.handles(a)) return;
      if (limited.length === 0 && (await objects.list('resourcequotas', a.namespace)).length === 0) return;
      const checked = enqueue(a, evaluator);
      const tired = setTimeoutRejecting(PATIENCE_MS);
      try {
        await Promise.race([checked, tired.promise]);
      } finally {
        tired.cancel();
      }
    },
  };
}

function setTimeoutRejecting(ms: number): { readonly promise: Promise<never>; cancel(): void } {
  const { promise, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(internalError('resource quota evaluation timed out')), ms);
  return { promise, cancel: () => clearTimeout(timer) };
}

function revisionOf({ metadata }: ResourceQuota): bigint {
  return BigInt(metadata.resourceVersion || 0);
}
