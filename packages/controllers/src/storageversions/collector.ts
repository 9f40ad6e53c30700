/** Takes servers that are gone out of what is told of the versions that servers store (pkg/controller/storageversiongc). */

import { withCondition } from '@keelson/api/conditions';
import type { ServerStorageVersion, StorageVersion } from '@keelson/api/generated/types/apiserverinternal/v1alpha1';
import type { Lease } from '@keelson/api/generated/types/coordination/v1';
import { hasReason, keyOf, WorkQueue } from '@keelson/client';
import type { ControllerContext } from '../controller.ts';
import { isServed } from '../served.ts';
import { runQueue } from '../work.ts';

const VERSIONS = 'storageversions.internal.apiserver.k8s.io';
const LEASES = 'kube-system';

function isServer(lease: Lease | undefined): boolean {
  return lease?.metadata.labels?.['apiserver.kubernetes.io/identity'] === 'kube-apiserver';
}

/** The status with these servers alone: which version all of them store, if it is one. */
function withServers({ metadata, status }: StorageVersion, servers: ServerStorageVersion[], now: Date) {
  const [common, ...others] = new Set(servers.map(({ encodingVersion = '' }) => encodingVersion));
  const agreed = common !== undefined && others.length === 0 ? common : undefined;
  const isSet = agreed !== undefined;
  const condition = {
    type: 'AllEncodingVersionsEqual',
    status: isSet ? 'True' : 'False',
    reason: isSet ? 'CommonEncodingVersionSet' : 'CommonEncodingVersionUnset',
    message: isSet ? 'Common encoding version set' : 'Common encoding version unset',
    ...(metadata.generation === undefined ? {} : { observedGeneration: metadata.generation }),
  };
  const before = status.commonEncodingVersion;
  const isOther = isSet && before !== undefined && before !== agreed;
  const known = (status.conditions ?? []).filter(({ type }) => !isOther || type !== condition.type);
  return {
    storageVersions: servers,
    ...(isSet ? { commonEncodingVersion: agreed } : {}),
    conditions: withCondition(known, condition, now),
  };
}

export async function start(context: ControllerContext) {
  const { client, informers, world } = context;
  if (!(await isServed(client, VERSIONS))) return undefined;
  const queue = new WorkQueue<string>(world, 'storage_version_garbage_collector');
  const versions = informers.informer(VERSIONS);
  const leases = informers.informer('leases.coordination.k8s.io', { namespace: LEASES });
  const serverOf = ({ apiServerID }: ServerStorageVersion) => leases.store.get(`${LEASES}/${apiServerID}`);
  const look = (version: StorageVersion) => {
    const servers = version.status?.storageVersions ?? [];
    if (!servers.every((server) => isServer(serverOf(server)))) queue.add(version.metadata.name!);
  };
  versions.addHandler({ added: look, updated: (_, version) => look(version) });
  leases.addHandler({ deleted: (lease) => isServer(lease) && versions.store.list().forEach(look) });

  /** The copy of leases may be behind. */
  const isThere = async ({ apiServerID: name = '' }: ServerStorageVersion): Promise<boolean> => {
    try {
      return isServer(await client.resource('leases.coordination.k8s.io').get({ namespace: LEASES, name }));
    } catch (error) {
      if (hasReason(error, 'NotFound')) return false;
      throw error;
    }
  };
  const reconcile = async (name: string) => {
    const version = versions.store.get(name);
    if (!version) return;
    const servers = version.status.storageVersions ?? [];
    const left: ServerStorageVersion[] = [];
    for (const server of servers) if (await isThere(server)) left.push(server);
    if (left.length === servers.length) return;
    const resource = client.resource(VERSIONS);
    const now = new Date(world.clock.now());
    if (left.length === 0) await resource.delete(keyOf(version));
    else await resource.updateStatus({ ...version, status: withServers(version, left, now) });
  };
  return runQueue(context, { queue, informers: [versions, leases], workers: 1, reconcile });
}
