/** NetworkPolicies of the pods of a node: keeps the kernel's table as they say. */
import { isDeepStrictEqual } from 'node:util';
import type { Container, Namespace, Pod } from '@keelson/api/generated/types/core/v1';
import type { ObjectMeta } from '@keelson/api/generated/types/meta/v1';
import type { NetworkPolicy } from '@keelson/api/generated/types/networking/v1';
import { type Client, InformerFactory, withoutManagedFields } from '@keelson/client';
import type { Running } from '@keelson/component/running';
import type { Rules } from '@keelson/proxy/rules/rules';
import { removal, Table } from '@keelson/proxy/rules/table';
import type { Kernel } from '../kernel.ts';
import { syncLoop } from '../sync-loop.ts';
import { Cluster, memberOf } from './cluster.ts';
import { allowancesOf, DIRECTIONS, isolatedPods, nameOf } from './isolation.ts';
import { baseRules, COMMENT, podRules, policyRules, TABLE } from './rules.ts';

export interface PoliciesOptions {
  /** May list and watch pods, namespaces and network policies. */
  readonly client: Client;
  readonly nodeName: string;
  readonly kernel: Pick<Kernel, 'applyTables'>;
}

/** Goes on until it is stopped, and leaves the table as it is. */
export function startPolicies({ client, nodeName, kernel }: PoliciesOptions): Running {
  const { log, clock } = client.world;
  const informers = new InformerFactory(client);
  const pods = informers.informer('pods', { transform: podEssentials });
  const namespaces = informers.informer('namespaces', { transform: namespaceEssentials });
  const policies = informers.informer('networkpolicies.networking.k8s.io', { transform: withoutManagedFields });
  const table = new Table(TABLE, COMMENT);
  /** What stands in the table. */
  let standing: ReadonlyMap<string, Rules> = new Map();

  const sync = async (isWhole: boolean) => {
    const parts = await partsOf(nodeName, policies.store.list(), pods.store.list(), namespaces.store.list());
    const gone = [...standing.keys()].filter((owner) => !parts.has(owner)).map((owner) => [owner, undefined] as const);
    const come = [...parts].filter(([owner, rules]) => !isDeepStrictEqual(standing.get(owner), rules));
    const text = isWhole
      ? table.replacement(baseRules(), parts)
      : table.change(new Map([...come, ...gone]), clock.now());
    standing = parts;
    if (text !== '') await kernel.applyTables(text);
    log.debug({ parts: parts.size, isWhole }, 'Network policies are in the kernel');
  };
  const { changed, start } = syncLoop(client.world, sync, 'Network policies are not in the kernel as they should be');

  const whenNotSame = <T>(factsOf: (object: T) => unknown) => ({
    added: changed,
    deleted: changed,
    updated: (before: T, after: T) => {
      if (JSON.stringify(factsOf(before)) !== JSON.stringify(factsOf(after))) changed();
    },
  });
  pods.addHandler(whenNotSame(memberOf));
  namespaces.addHandler(whenNotSame(({ metadata }: Namespace) => metadata.labels));
  policies.addHandler(whenNotSame(({ spec }: NetworkPolicy) => spec));
  return start(informers);
}

/** Takes the table away, if it is there. @throws ProgramError */
export const removePolicies = (kernel: Pick<Kernel, 'applyTables'>): Promise<void> =>
  kernel.applyTables(removal(TABLE));

/**
 * All that is in the table beside its base, by whose it is. Other work gets its turn after each policy. Policies that select no pod
 * here are in no table.
 */
export async function partsOf(
  nodeName: string,
  policies: readonly NetworkPolicy[],
  pods: readonly Pod[],
  namespaces: readonly Namespace[],
): Promise<Map<string, Rules>> {
  const cluster = new Cluster(pods, namespaces);
  const isolated = isolatedPods(nodeName, policies, cluster);
  const parts = new Map<string, Rules>([['pods', podRules(isolated)]]);
  for (const direction of DIRECTIONS) {
    const used = new Set(isolated.flatMap((pod) => pod.policies[direction]));
    for (const policy of policies) {
      const name = nameOf(policy);
      if (!used.has(name)) continue;
      parts.set(
        `${direction} ${name}`,
        policyRules(name, direction, allowancesOf(policy, direction, nodeName, cluster)),
      );
      await new Promise(setImmediate);
    }
  }
  return parts;
}

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
    metadata: identity(metadata),
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
