import { apiVersionOf } from '@keelson/api/object';
import { sleep, WorkQueue, within } from '@keelson/client';
import { type Running, together } from '@keelson/component/running';
import type { ControllerContext } from '../controller.ts';
import { Families } from '../metrics.ts';
import { REFRESH_MS } from '../served.ts';
import { runQueue, workersOf } from '../work.ts';
import { Collector, UnknownKindError, UnreachableOwnerError } from './collector.ts';
import { Graph, type Node } from './graph.ts';
import { Monitors } from './monitors.ts';

/** How often an owner is asked for that no informer has told of. */
const UNSEEN_MS = 5_000;
/**
 * How long all informers are waited for. One of a resource that cannot be listed, as while the webhook that converts it is
 * away, holds up nothing else: whether an owner exists the server is asked.
 */
const PATIENCE_MS = 30_000;

/** Deletes what has lost its owners, and sees cascading deletions through (pkg/controller/garbagecollector). */
export async function start(context: ControllerContext): Promise<Running> {
  const { client, world } = context;
  const recorder = context.recorder('garbage-collector-controller');
  const deletions = new WorkQueue<Node>(world, 'garbage_collector_attempt_to_delete');
  const orphanings = new WorkQueue<Node>(world, 'garbage_collector_attempt_to_orphan');
  const graph = new Graph({
    check: (node) => deletions.add(node),
    orphan: (node) => orphanings.add(node),
    invalidNamespace({ identity, owners }, ownerUid) {
      const { kind, apiVersion, name = '' } = owners.find(({ uid }) => uid === ownerUid) ?? {};
      const owner = `[${apiVersion}/${kind}, namespace: ${identity.namespace}, name: ${name}, uid: ${ownerUid}]`;
      const message = `ownerRef ${owner} does not exist in namespace "${identity.namespace}"`;
      recorder.event({ reference: identity }, 'Warning', 'OwnerRefInvalidNamespace', message);
    },
  });
  const failures = new Families('garbagecollector_controller', context.metrics).counter(
    'resources_sync_error_total',
    'ALPHA',
    'How often it could not be found out what is served.',
  );
  const undiscovered = () => failures.with().inc();
  const monitors = new Monitors(client, {
    undiscovered,
    observed: (resource, object) => graph.observe(apiVersionOf(resource), resource.kind, object),
    gone: ({ metadata }) => graph.forget(metadata.uid ?? ''),
  });
  const collector = new Collector({
    client,
    graph,
    resourceOf: (apiVersion, kind) => monitors.resourceOf(apiVersion, kind),
    check: (node) => deletions.add(node),
  });
  const attempt = async (node: Node) => {
    try {
      await collector.attemptToDelete(node);
    } catch (error) {
      if (error instanceof UnreachableOwnerError) return undefined;
      if (!(error instanceof UnknownKindError)) throw error;
      world.log.debug({ object: node.identity, error: error.message }, 'Looked at again when its kind may be known');
      return { afterMs: REFRESH_MS };
    }
    // Until an informer has seen it, nothing else would tell when it goes.
    return node.isVirtual && graph.get(node.identity.uid) === node ? { afterMs: UNSEEN_MS } : undefined;
  };
  const end = new AbortController();
  const synced = begin(context, monitors, end.signal, undiscovered);
  const workers = workersOf(context, 'garbage-collector-controller', 20);
  const informers = [{ synced }];
  const all = together([
    runQueue(context, { queue: deletions, informers, workers, reconcile: attempt }),
    runQueue(context, { queue: orphanings, informers, workers, reconcile: (node) => collector.attemptToOrphan(node) }),
  ]);
  return {
    done: all.done,
    stop: async () => {
      end.abort();
      await Promise.all([all.stop(), monitors.stop()]);
    },
  };
}

/** Asks until the server has said what it serves, and waits for the informers. @throws Error when it is aborted before */
async function begin(
  { world }: ControllerContext,
  monitors: Monitors,
  signal: AbortSignal,
  failed: () => void,
): Promise<void> {
  for (;;) {
    try {
      await monitors.begin();
      break;
    } catch (error) {
      if (signal.aborted) throw error;
      failed();
      world.log.warn({ error }, 'What is served could not be found out');
      await sleep(world.clock, 1000, signal);
    }
  }
  const synced = monitors.synced().then(() => true);
  if (!(await within(world.clock, PATIENCE_MS, synced))) {
    world.log.warn({}, 'Not all resources could be listed: garbage is collected all the same');
  }
  void monitors.follow(signal);
}
