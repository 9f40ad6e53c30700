/** Deletes what a namespace holds (pkg/controller/namespace/deletion/namespaced_resources_deleter.go). */
import type { Pod } from '@keelson/api/generated/types/core/v1';
import type { TypedObject } from '@keelson/api/object';
import { type Client, hasReason, type ServedResource } from '@keelson/client';

/** How long finalizers are given before one looks again, where nothing better is known. */
const FINALIZER_ESTIMATE_SECONDS = 15;

/** Of one resource, after everything of it has been asked to go. */
export interface Leftover {
  /** After which it is worth looking again; 0: nothing is left. */
  readonly estimateSeconds: number;
  readonly count: number;
  /** Objects held, by finalizer. */
  readonly finalizers: ReadonlyMap<string, number>;
}

const NOTHING: Leftover = { estimateSeconds: 0, count: 0, finalizers: new Map() };

/**
 * @param deletedForMs how long the namespace has been on its way out
 * @throws StatusError and others when the server refuses; Error for objects that stay without a reason
 */
export async function deleteAll(
  client: Client,
  resource: ServedResource,
  namespace: string,
  deletedForMs: number,
): Promise<Leftover> {
  const grace = isPods(resource) ? graceOf((await client.resource('pods').list({ namespace })).items) : 0;
  const estimate = deletedForMs >= grace * 1000 ? 0 : grace;
  const objects = client.metadata(resource);
  const unserved = await ask(async () => {
    const options = { propagationPolicy: 'Background' };
    if (resource.verbs.includes('deletecollection')) await objects.deleteCollection({ namespace }, options);
    else if (resource.verbs.includes('list')) {
      for (const { metadata } of (await objects.list({ namespace })).items) {
        await ask(() => objects.delete({ namespace, name: metadata.name! }, options));
      }
    }
  });
  if (unserved || !resource.verbs.includes('list')) return NOTHING;
  const left: TypedObject[] = [];
  if (await ask(async () => void left.push(...(await objects.list({ namespace })).items))) return NOTHING;
  if (left.length === 0) return NOTHING;
  const finalizers = countFinalizers(left);
  const estimateSeconds = estimate || (finalizers.size > 0 ? FINALIZER_ESTIMATE_SECONDS : 0);
  if (estimateSeconds === 0) {
    const { group, version, resource: name } = resource;
    throw new Error(
      `unexpected items still remain in namespace: ${namespace} for gvr: ${group}/${version}, Resource=${name}`,
    );
  }
  return { estimateSeconds, count: left.length, finalizers };
}

export const isPods = ({ group, resource }: ServedResource) => group === '' && resource === 'pods';

/** @returns whether the resource is not served after all, as a definition that is gone by now */
async function ask(request: () => Promise<unknown>): Promise<boolean> {
  try {
    await request();
    return false;
  } catch (error) {
    if (hasReason(error, 'NotFound') || hasReason(error, 'MethodNotAllowed')) return true;
    throw error;
  }
}

/** Seconds that the slowest of the pods may take to end. */
export function graceOf(pods: readonly Pod[]): number {
  const running = pods.filter(({ status }) => status?.phase !== 'Succeeded' && status?.phase !== 'Failed');
  return Math.max(0, ...running.map(({ spec }) => Number(spec?.terminationGracePeriodSeconds ?? 0)));
}

function countFinalizers(objects: readonly TypedObject[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const { metadata } of objects) {
    for (const finalizer of metadata.finalizers ?? []) counts.set(finalizer, (counts.get(finalizer) ?? 0) + 1);
  }
  return counts;
}
