/** Puts together what makes pods of a real node ready for its runtime: volumes, users of their own, configurations. */
import { join } from 'node:path';
import type { Node, Pod, Service } from '@keelson/api/generated/types/core/v1';
import type { Client, EventRecorder, Informer } from '@keelson/client';
import type { Drivers } from './drivers.ts';
import type { PodObjects } from './environment/objects.ts';
import { LogLinks } from './logs/links.ts';
import type { RuntimeHealth } from './node/runtime-health.ts';
import type { KubeletOptions } from './options.ts';
import { NodeConfigurations } from './pods/configurations.ts';
import { NodePreparer } from './pods/preparer.ts';
import type { PodServices } from './pods/services.ts';
import { isStatic } from './pods/spec.ts';
import type { NodeResources } from './resources/node.ts';
import { UserNamespaces } from './security/user-namespaces.ts';
import { VolumeManager } from './volumes/manager.ts';
import type { PodTokens } from './volumes/tokens.ts';

export interface PreparationOptions {
  readonly client: Client;
  readonly recorder: EventRecorder;
  readonly settings: Pick<
    KubeletOptions,
    | 'runtime'
    | 'rootDirectory'
    | 'logLinksDirectory'
    | 'clusterDns'
    | 'clusterDomain'
    | 'resolvConf'
    | 'seccompDefault'
    | 'userNamespaceIds'
  >;
  readonly logsDirectory: string;
  readonly health: RuntimeHealth;
  readonly resources: NodeResources;
  readonly drivers: Pick<Drivers, 'csi' | 'devices' | 'claims'>;
  readonly objects: PodObjects;
  readonly tokens: PodTokens;
  readonly services: Informer<Service>;
  node(): Node | undefined;
  hostIps(): readonly string[];
  /** Addresses of a pod, as far as they are known. */
  podIps(uid: string): readonly string[];
}

export interface Preparation
  extends Pick<PodServices, 'preparer' | 'configurations' | 'podResources' | 'recursiveReadOnly' | 'hostIps'> {
  readonly volumes: VolumeManager;
}

/** With what pods have from a kubelet before. */
export async function preparationOf(options: PreparationOptions): Promise<Preparation> {
  const { client, settings, health, resources, drivers, services, hostIps } = options;
  const { runtime, rootDirectory } = settings;
  const volumes = new VolumeManager({
    ...options,
    rootDirectory,
    csi: drivers.csi.volumes,
    operations: drivers.csi.operations,
  });
  const userNamespaces = new UserNamespaces({
    podDirectory: (uid) => volumes.podDirectory(uid),
    handlers: () => health.status.handlers,
    idsPerPod: settings.userNamespaceIds,
  });
  await userNamespaces.restore(await volumes.uids());
  const recursiveReadOnly = health.status.handlers.some(
    ({ name, recursiveReadOnlyMounts }) => name === '' && recursiveReadOnlyMounts,
  );
  const common = {
    ...options,
    world: client.world,
    runtime,
    volumes,
    userNamespaces,
    devices: drivers.devices.manager,
    claims: drivers.claims,
  };
  const configurations = new NodeConfigurations({
    ...common,
    dns: {
      clusterDns: settings.clusterDns ?? [],
      clusterDomain: settings.clusterDomain ?? 'cluster.local',
      resolvConf: settings.resolvConf ?? '/etc/resolv.conf',
    },
    security: { seccompRoot: join(rootDirectory, 'seccomp'), seccompDefault: settings.seccompDefault ?? false },
    recursiveReadOnly,
    services: async (pod: Pod) => {
      // The API server that would tell of them may be a static pod itself.
      if (!isStatic(pod)) await services.synced;
      return services.store.values();
    },
  });
  const { logLinksDirectory: links } = settings;
  const logLinks = links === undefined ? undefined : new LogLinks(links);
  const preparer = new NodePreparer({ ...common, logLinks, cgroups: resources.cgroups.pods });
  return { volumes, preparer, configurations, podResources: resources, recursiveReadOnly, hostIps };
}
