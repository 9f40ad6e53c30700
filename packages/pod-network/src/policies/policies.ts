/** NetworkPolicies of the pods of a node: keeps the kernel's table as they say. */
import type { Container, Namespace, Node, Pod } from '@keelson/api/generated/types/core/v1';
import type { ObjectMeta } from '@keelson/api/generated/types/meta/v1';
import type { NetworkPolicy } from '@keelson/api/generated/types/networking/v1';
import { type Client, InformerFactory, withoutManagedFields } from '@keelson/client';
import { type Running, together } from '@keelson/component/running';
import { removal } from '@keelson/proxy/rules/table';
import type { Kernel } from '../kernel.ts';
import { rangesOf } from '../plan.ts';
import { followSandboxes } from '../sandboxes.ts';
import type { NetworkStatus } from '../status.ts';
import { syncLoop } from '../sync-loop.ts';
import { nameOf } from './isolation.ts';
import { memberOf } from './members.ts';
import { NodePolicies } from './node-policies.ts';
import { TABLE } from './rules.ts';

export interface PoliciesOptions {
  /** May list and watch nodes, pods, namespaces and network policies. */
  readonly client: Client;
  readonly nodeName: string;
  readonly kernel: Pick<Kernel, 'applyTables'>;
  /** Where the runtime notes the addresses that it has given to pods. */
  readonly cniCacheFolder: string;
  readonly status: NetworkStatus;
}

export interface RunningPolicies extends Running {
  /** Resolves when the kernel has what they say for the first time. */
  readonly written: Promise<void>;
}

/** Goes on until it is stopped, and leaves the table as it is. */
export function startPolicies(options: PoliciesOptions): RunningPolicies {
  const { client, nodeName, kernel, cniCacheFolder, status } = options;
  const { log, clock } = client.world;
  const informers = new InformerFactory(client);
  const pods = informers.informer('pods', { transform: podEssentials });
  const namespaces = informers.informer('namespaces', { transform: namespaceEssentials });
  const policies = informers.informer('networkpolicies.networking.k8s.io', { transform: withoutManagedFields });
  const nodes = informers.informer('nodes', {
    fieldSelector: `metadata.name=${nodeName}`,
    transform: ({ status: _, ...node }) => withoutManagedFields(node as Node),
  });
  const node = new NodePolicies(nodeName);
  const { promise: written, resolve: isWritten } = Promise.withResolvers<void>();

  const sync = async (isWhole: boolean) => {
    const differing = await inTurns(node.changes(clock.now()));
    const text = isWhole ? await inTurns(node.rewriting()) : differing;
    if (text !== '') await kernel.applyTables(text);
    isWritten();
    tellSizes();
    log.debug({ length: text.length, isWhole }, 'Network policies are in the kernel');
    return text.length;
  };
  const tellSizes = () => {
    const { policies, pods: own, sets, elements } = status.metrics;
    const { isolated, others, ...sizes } = node.sizes;
    policies.with().value = sizes.policies;
    own.with('true').value = isolated;
    own.with('false').value = others;
    sets.with().value = sizes.sets;
    elements.with().value = sizes.elements;
  };
  const complaint = 'Network policies are not in the kernel as they should be';
  const { changed, start } = syncLoop(client.world, sync, complaint, status.watcherOf('policies'));

  const tell = (isDifferent: boolean) => isDifferent && changed();
  const follow = <T>(set: (object: T, isThere: boolean) => boolean) => ({
    added: (object: T) => tell(set(object, true)),
    updated: (_: T, object: T) => tell(set(object, true)),
    deleted: (object: T) => tell(set(object, false)),
  });
  const sandboxes = followSandboxes({
    cacheFolder: cniCacheFolder,
    world: client.world,
    changed: (name) => {
      const pod = pods.store.get(name);
      if (pod) tell(setPod(pod, true));
    },
  });
  const setPod = (pod: Pod, isThere: boolean) => {
    const name = `${pod.metadata.namespace}/${pod.metadata.name}`;
    const noted = pod.spec?.nodeName === nodeName ? sandboxes.addressesOf(name, uidsOf(pod)) : [];
    return node.setPod(name, isThere ? memberOf(pod, noted) : undefined);
  };
  pods.addHandler(follow(setPod));
  nodes.addHandler(follow((object: Node, isThere) => node.setRanges(isThere ? rangesOf(object) : [])));
  namespaces.addHandler(
    follow(({ metadata }: Namespace, isThere) =>
      node.setNamespace(metadata.name ?? '', isThere ? (metadata.labels ?? {}) : undefined),
    ),
  );
  policies.addHandler(
    follow((policy: NetworkPolicy, isThere) => node.setPolicy(nameOf(policy), isThere ? policy : undefined)),
  );
  return { ...together([start(informers), sandboxes]), written };
}

/** A text of pieces; other work gets its turn after each. */
async function inTurns(pieces: Iterable<string>): Promise<string> {
  const text: string[] = [];
  for (const piece of pieces) {
    text.push(piece);
    await new Promise(setImmediate);
  }
  return text.join('');
}

/** Takes the table away, if it is there. @throws ProgramError */
export const removePolicies = (kernel: Pick<Kernel, 'applyTables'>): Promise<void> =>
  kernel.applyTables(removal(TABLE));

/** Of a static pod the kubelet knows another than the API server, which is told of it. */
const MIRROR = 'kubernetes.io/config.mirror';
const uidsOf = ({ metadata: { uid, annotations } }: Pod): string[] =>
  [uid, annotations?.[MIRROR]].filter((each) => each !== undefined);

const identity = ({ name, namespace, uid, resourceVersion, labels, creationTimestamp }: ObjectMeta): ObjectMeta =>
  Object.fromEntries(
    Object.entries({ name, namespace, uid, resourceVersion, labels, creationTimestamp }).filter(
      ([, value]) => value !== undefined,
    ),
  );

/** What of a pod is looked at: there are many. */
const podEssentials = ({ apiVersion, kind, metadata, spec, status }: Pod): Pod => {
  const portsOf = ({ name, ports, restartPolicy }: Container) => ({
    name,
    resources: {},
    ...(ports && { ports }),
    ...(restartPolicy && { restartPolicy }),
  });
  return {
    apiVersion,
    kind,
    metadata: {
      ...identity(metadata),
      ...(metadata.annotations?.[MIRROR] && { annotations: { [MIRROR]: metadata.annotations[MIRROR] } }),
    },
    ...(spec && {
      spec: {
        containers: (spec.containers ?? []).map(portsOf),
        ...(spec.initContainers && { initContainers: spec.initContainers.map(portsOf) }),
        ...(spec.nodeName && { nodeName: spec.nodeName }),
        ...(spec.hostNetwork && { hostNetwork: true }),
      },
    }),
    status: {
      ...(status?.phase && { phase: status.phase }),
      ...(status?.podIP && { podIP: status.podIP }),
      ...(status?.podIPs && { podIPs: status.podIPs }),
    },
  };
};

const namespaceEssentials = ({ metadata, ...rest }: Namespace): Namespace => ({
  ...rest,
  metadata: identity(metadata),
});
