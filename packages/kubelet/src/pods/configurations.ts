/** What the runtime is told of pods of a real node: the configurations of their sandboxes and containers (pkg/kubelet/kuberuntime). */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Node, Pod, Service } from '@keelson/api/generated/types/core/v1';
import { declaredContainers } from '@keelson/api/resources/pod-parts';
import type { Client, World } from '@keelson/client';
import type { ClaimManager } from '../claims/manager.ts';
import type { DeviceManager } from '../devices/manager.ts';
import { type DnsSettings, dnsOf, hostnameOf } from '../environment/dns.ts';
import { environmentOf, parseEnvFile } from '../environment/environment.ts';
import { expandAll } from '../environment/expansion.ts';
import type { PodObjects } from '../environment/objects.ts';
import type { NodeResources } from '../resources/node.ts';
import type { ContainerConfig } from '../runtime/container.ts';
import * as names from '../runtime/labels.ts';
import { readTail } from '../runtime/log.ts';
import type { Runtime } from '../runtime/runtime.ts';
import type { PortMapping, SandboxConfig } from '../runtime/sandbox.ts';
import { containerSecurity, type SecurityDefaults, sandboxSecurity } from '../security/context.ts';
import { normalizeSysctl } from '../security/sysctls.ts';
import type { UserNamespaces } from '../security/user-namespaces.ts';
import { resolveInside } from '../volumes/filesystem.ts';
import type { VolumeManager } from '../volumes/manager.ts';
import { devicesOf, mountsOf } from '../volumes/mounts.ts';
import { containerHash } from './hash.ts';
import { type Configurations, type ContainerRequest, PreparationError } from './services.ts';
import { isHostNetwork, uidOf } from './spec.ts';

export interface NodeConfigurationsOptions {
  readonly client: Client;
  readonly world: World;
  readonly runtime: Runtime;
  readonly volumes: VolumeManager;
  readonly objects: PodObjects;
  /** `/var/log/pods`: absolute. */
  readonly logsDirectory: string;
  readonly resources: Pick<NodeResources, 'cgroups' | 'exclusive' | 'ofContainer' | 'ofSandbox'>;
  readonly dns: DnsSettings;
  readonly security: SecurityDefaults;
  readonly recursiveReadOnly: boolean;
  readonly userNamespaces: UserNamespaces;
  readonly devices: Pick<DeviceManager, 'optionsOf'>;
  readonly claims: Pick<ClaimManager, 'cdiDevices'>;
  services(pod: Pod): Promise<Iterable<Service>>;
  node(): Node | undefined;
  hostIps(): readonly string[];
}

export class NodeConfigurations implements Configurations {
  readonly #options: NodeConfigurationsOptions;

  constructor(options: NodeConfigurationsOptions) {
    this.#options = options;
  }

  async sandbox(pod: Pod, attempt: number): Promise<SandboxConfig> {
    const { dns, logsDirectory, resources, volumes, hostIps } = this.#options;
    const { name = '', namespace = '', uid = '', labels = {}, annotations = {} } = pod.metadata;
    const logDirectory = podLogsIn(logsDirectory, pod);
    await mkdir(logDirectory, { recursive: true });
    const { hostname, domain } = hostnameOf(pod, dns.clusterDomain);
    const full = pod.spec?.setHostnameAsFQDN && domain ? fitting(`${hostname}.${domain}`) : hostname;
    const sysctls = pod.spec?.securityContext?.sysctls ?? [];
    const runtimeHandler = await this.#runtimeHandler(pod);
    return {
      metadata: { name, namespace, uid, attempt },
      hostname: isHostNetwork(pod) ? '' : full,
      logDirectory,
      dns: await dnsOf(pod, dns, hostIps()),
      portMappings: portsOf(pod),
      labels: { ...labels, ...podLabels(pod) },
      annotations,
      runtimeHandler,
      linux: {
        cgroupParent: resources.cgroups.pods.parentOf(pod),
        sysctls: Object.fromEntries(sysctls.map(({ name, value }) => [normalizeSysctl(name), value])),
        security: inGroups(sandboxSecurity(pod, await this.#userNamespace(pod, runtimeHandler)), volumes.groups(pod)),
        ...resources.ofSandbox(pod),
      },
    };
  }

  async container({
    pod,
    container,
    attempt,
    imageRef,
    podIps,
    targetId,
    imageVolumes,
  }: ContainerRequest): Promise<ContainerConfig> {
    const { volumes, objects, services, node, hostIps, runtime, security, recursiveReadOnly, dns } = this.#options;
    const { userNamespaces, devices, claims, resources, logsDirectory, world } = this.#options;
    const { spec } = container;
    const given = await devices.optionsOf(pod, spec);
    resources.exclusive.begins(pod, spec.name);
    const own = await environmentOf({
      pod,
      container: spec,
      objects: objects.for(pod),
      services: await services(pod),
      node: node(),
      podIps,
      hostIps: hostIps(),
      fileValue: (volume, path, key) => this.#fileValue(pod, volume, path, key),
    });
    const env = new Map([...given.env, ...own]);
    const runtimeHandler = await this.#runtimeHandler(pod);
    const userNamespace = await userNamespaces.of(pod, runtimeHandler);
    const image = { image: imageRef, userSpecified: spec.image ?? '', runtimeHandler };
    const found = await runtime.image(image);
    // An image that names nobody means root.
    const user = { uid: found?.uid ?? (found?.username ? undefined : 0), name: found?.username ?? '' };
    const mounts = await mountsOf({
      pod,
      container,
      podDirectory: volumes.podDirectory(uidOf(pod)),
      volumes: volumes.of(uidOf(pod)),
      imageVolumes,
      env,
      hosts: { podIps, ...hostnameOf(pod, dns.clusterDomain), aliases: pod.spec?.hostAliases ?? [] },
      recursiveReadOnly,
      id: Math.floor(world.random() * 2 ** 32)
        .toString(16)
        .padStart(8, '0'),
    });
    await mkdir(join(podLogsIn(logsDirectory, pod), spec.name), { recursive: true });
    return {
      metadata: { name: spec.name, attempt },
      image,
      command: expandAll(spec.command ?? [], env),
      args: expandAll(spec.args ?? [], env),
      workingDirectory: spec.workingDir ?? '',
      env: Array.from(env, ([name, value]) => ({ name, value })),
      mounts: [...given.mounts, ...mounts],
      devices: [...given.devices, ...devicesOf(spec, volumes.of(uidOf(pod)))],
      cdiDevices: [...new Set([...given.cdiDevices, ...claims.cdiDevices(pod, spec)])],
      labels: { ...podLabels(pod), [names.CONTAINER_NAME]: spec.name },
      annotations: { ...given.annotations, ...annotationsOf(pod, container.spec, attempt) },
      logPath: join(spec.name, `${attempt}.log`),
      stdin: spec.stdin === true,
      stdinOnce: spec.stdinOnce === true,
      tty: spec.tty === true,
      stopSignal: spec.lifecycle?.stopSignal,
      linux: {
        resources: resources.ofContainer(pod, spec),
        security: inGroups(
          containerSecurity(pod, container, user, targetId, security, userNamespace),
          volumes.groups(pod),
        ),
      },
    };
  }

  async #userNamespace(pod: Pod, runtimeHandler: string) {
    try {
      return await this.#options.userNamespaces.of(pod, runtimeHandler);
    } catch (error) {
      const message = `Failed to create pod sandbox: ${(error as Error).message}`;
      throw new PreparationError('FailedCreatePodSandBox', message, error);
    }
  }

  async #runtimeHandler({ spec }: Pod): Promise<string> {
    const name = spec?.runtimeClassName;
    if (!name) return '';
    try {
      return (await this.#options.client.resource('runtimeclasses.node.k8s.io').get({ name })).handler;
    } catch (error) {
      const message = `Failed to create pod sandbox: failed to get sandbox runtime: failed to get RuntimeClass ${name}: ${(error as Error).message}`;
      throw new PreparationError('FailedCreatePodSandBox', message, error);
    }
  }

  async #fileValue(pod: Pod, volume: string, path: string, key: string): Promise<string | undefined> {
    const mounted = this.#options.volumes.of(uidOf(pod)).get(volume);
    if (!mounted) throw new Error(`cannot find the volume "${volume}" referenced by FileKeyRef`);
    return parseEnvFile(readTail(await resolveInside(mounted.path, path), 64 * 1024).toString(), key);
  }
}

/** What a kernel takes. */
const MAX_HOSTNAME = 64;

/** @throws PreparationError for a name that the kernel does not take */
function fitting(fqdn: string): string {
  if (fqdn.length <= MAX_HOSTNAME) return fqdn;
  const lengths = `${MAX_HOSTNAME} characters is the max, ${fqdn.length} characters requested`;
  const what = `failed to construct FQDN from pod hostname and cluster domain, FQDN ${fqdn} is too long (${lengths})`;
  throw new PreparationError('FailedCreatePodSandBox', `Failed to create pod sandbox: ${what}`);
}

/** Of all containers of a pod. @param logsDirectory of all pods */
export function podLogsIn(logsDirectory: string, { metadata }: Pod): string {
  return join(logsDirectory, `${metadata.namespace}_${metadata.name}_${metadata.uid}`);
}

function inGroups<T extends { readonly supplementalGroups: readonly number[] }>(
  security: T,
  groups: readonly number[],
): T {
  return { ...security, supplementalGroups: [...security.supplementalGroups, ...groups] };
}

function podLabels({ metadata }: Pod): Record<string, string> {
  const { name = '', namespace = '', uid = '' } = metadata;
  return { [names.POD_NAME]: name, [names.POD_NAMESPACE]: namespace, [names.POD_UID]: uid };
}

function annotationsOf(
  pod: Pod,
  container: ContainerRequest['container']['spec'],
  attempt: number,
): Record<string, string> {
  const { deletionGracePeriodSeconds: deletion } = pod.metadata;
  const { terminationGracePeriodSeconds: termination } = pod.spec!;
  const { terminationMessagePath, terminationMessagePolicy, lifecycle, ports } = container;
  return {
    [names.CONTAINER_HASH]: containerHash(container),
    [names.RESTART_COUNT]: String(attempt),
    [names.TERMINATION_MESSAGE_PATH]: terminationMessagePath ?? '/dev/termination-log',
    [names.TERMINATION_MESSAGE_POLICY]: terminationMessagePolicy ?? 'File',
    ...(deletion === undefined ? {} : { [names.POD_DELETION_GRACE]: String(deletion) }),
    ...(termination === undefined ? {} : { [names.POD_TERMINATION_GRACE]: String(termination) }),
    ...(lifecycle?.preStop ? { [names.PRE_STOP_HANDLER]: JSON.stringify(lifecycle.preStop) } : {}),
    ...(ports?.length ? { [names.CONTAINER_PORTS]: JSON.stringify(ports) } : {}),
  };
}

function portsOf({ spec }: Pod): PortMapping[] {
  const containers = declaredContainers(spec);
  return containers.flatMap(({ ports = [] }) =>
    ports.map(({ containerPort, hostPort = 0, hostIP = '', protocol = 'TCP' }) => ({
      protocol: protocol as PortMapping['protocol'],
      containerPort,
      hostPort,
      hostIp: hostIP,
    })),
  );
}
