/** Makes claims of the templates that pods name, and takes back those that nobody uses (pkg/controller/resourceclaim). */
import type { Pod } from '@keelson/api/generated/types/core/v1';
import type { ResourceClaim } from '@keelson/api/generated/types/resource/v1';
import { storeKey, WorkQueue } from '@keelson/client';
import type { ControllerContext } from '../controller.ts';
import { indexByController } from '../owned.ts';
import { podInformer } from '../pods/informer.ts';
import { runQueue, workersOf } from '../work.ts';
import { claimKeysOf, isDone, needsWork } from './decide.ts';
import { ClaimMetrics } from './metrics.ts';
import { PodClaims } from './pods.ts';
import { Reservations } from './reservations.ts';

/** `pod:namespace/name` or `claim:namespace/name` */
type Item = `${'pod' | 'claim'}:${string}`;

const CLAIM = 'resourceclaim';
const TEMPLATE = 'resourceclaimtemplate';

const hasClaims = ({ spec, status }: Pod) =>
  Boolean(spec.resourceClaims?.length) || status?.extendedResourceClaimStatus !== undefined;

/** `namespace/name` of the templates that a pod names. */
const templatesOf = ({ metadata, spec }: Pod) =>
  (spec.resourceClaims ?? []).flatMap(({ resourceClaimTemplateName: name }) =>
    name ? [`${metadata.namespace}/${name}`] : [],
  );

export async function start(context: ControllerContext) {
  const { client, informers, world } = context;
  const queue = new WorkQueue<Item>(world, 'resource_claim');
  const pods = podInformer(informers);
  const claims = informers.informer('resourceclaims.resource.k8s.io');
  const templates = informers.informer('resourceclaimtemplates.resource.k8s.io');
  pods.addIndex(CLAIM, claimKeysOf);
  pods.addIndex(TEMPLATE, templatesOf);
  const recorder = context.recorder('resource_claim');
  const podClaims = new PodClaims({
    client,
    recorder,
    claims: claims.store,
    templates: templates.store,
    metrics: new ClaimMetrics(context.metrics, claims.store),
  });
  const reservations = new Reservations(client, pods.store);

  const look = (pod: Pod) => {
    if (!hasClaims(pod)) return;
    if (isDone(pod)) release(pod);
    if (needsWork(pod, (key) => claims.store.get(key))) queue.add(`pod:${storeKey(pod)}`);
  };
  const release = (pod: Pod) => {
    for (const key of claimKeysOf(pod)) queue.add(`claim:${key}`);
  };
  indexByController(claims);
  const lookAtPodsOf = (claim: ResourceClaim) => pods.store.byIndex(CLAIM, storeKey(claim)).forEach(look);
  pods.addHandler({
    added: look,
    updated: (_, pod) => look(pod),
    deleted: (pod) => {
      podClaims.forget(pod);
      if (!hasClaims(pod)) return;
      reservations.gone(pod);
      release(pod);
    },
  });
  const changed = (claim: ResourceClaim) => {
    podClaims.seen(claim);
    queue.add(`claim:${storeKey(claim)}`);
    lookAtPodsOf(claim);
  };
  claims.addHandler({ added: changed, updated: (_, claim) => changed(claim), deleted: lookAtPodsOf });
  const lookAtPodsWith = (template: Parameters<typeof storeKey>[0]) =>
    pods.store.byIndex(TEMPLATE, storeKey(template)).forEach(look);
  templates.addHandler({ added: lookAtPodsWith, updated: (_, template) => lookAtPodsWith(template) });

  const reconcile = async (item: Item) => {
    const key = item.slice(item.indexOf(':') + 1);
    if (item.startsWith('pod:')) {
      const pod = pods.store.get(key);
      if (pod && !pod.metadata.deletionTimestamp) await podClaims.provide(pod);
    } else {
      const claim = claims.store.get(key);
      if (claim) await reservations.clean(claim);
    }
  };
  const workers = workersOf(context, 'resourceclaim-controller', 50);
  return runQueue(context, { queue, informers: [pods, claims, templates], workers, reconcile });
}
