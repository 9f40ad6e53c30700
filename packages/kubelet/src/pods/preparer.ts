/** What a pod has on a real node: folders, volumes, and the configurations of its sandbox and containers. */
import { mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Node, Pod, ResourceStatus, Service } from '@keelson/api/generated/types/core/v1';
import { declaredContainers } from '@keelson/api/resources/pod-parts';
import type { Client, World } from '@keelson/client';
import type { PodCgroups } from '../cgroups/pods.ts';
import type { ClaimManager } from '../claims/manager.ts';
import type { DeviceManager } from '../devices/manager.ts';
import { type DnsSettings, dnsOf, hostnameOf } from '../environment/dns.ts';
import { environmentOf, parseEnvFile } from '../environment/environment.ts';
import { expandAll } from '../environment/expansion.ts';
import type { PodObjects } from '../environment/objects.ts';
import type { NodeResources } from '../resources/node.ts';
import type { ContainerConfig, ContainerStatus } from '../runtime/container.ts';
import * as names from '../runtime/labels.ts';
import type { LinuxResources } from '../runtime/linux.ts';
import { readLogTail, readTail } from '../runtime/log.ts';
import type { Runtime } from '../runtime/runtime.ts';
import type { PortMapping, SandboxConfig } from '../runtime/sandbox.ts';
import { containerSecurity, type SecurityDefaults, sandboxSecurity } from '../security/context.ts';
import { normalizeSysctl } from '../security/sysctls.ts';
import type { UserNamespaces } from '../security/user-namespaces.ts';
import { resolveInside } from '../volumes/filesystem.ts';
import type { VolumeManager } from '../volumes/manager.ts';
import { devicesOf, mountsOf } from '../volumes/mounts.ts';
import { containerHash } from './hash.ts';
import { type ContainerRequest, PreparationError, type Preparer } from './services.ts';
import { isHostNetwork, type PodContainer, uidOf } from './spec.ts';

export interface NodePreparerOptions {
  readonly client: Client;
  readonly world: World;
  readonly runtime: Runtime;
  readonly volumes: VolumeManager;
  readonly objects: PodObjects;
  /** `/var/log/pods`: absolute. */
  readonly logsDirectory: string;
  readonly resources: Pick<NodeResources, 'cgroups' | 'exclusive' | 'ofContainer' | 'ofSandbox' | 'shrinkProblem'>;
  readonly dns: DnsSettings;
  readonly security: SecurityDefaults;
  readonly recursiveReadOnly: boolean;
  readonly userNamespaces: UserNamespaces;
  readonly devices: Pick<DeviceManager, 'optionsOf' | 'healthOf'>;
  readonly claims: Pick<ClaimManager, 'prepare' | 'unprepare' | 'cdiDevices' | 'healthOf'>;
  services(pod: Pod): Promise<Iterable<Service>>;
  node(): Node | undefined;
  hostIps(): readonly string[];
}

/** What a container may leave as its last words, and what is taken of its log in their place. */
const MAX_MESSAGE = 4096;
const MAX_LOG_MESSAGE = 2048;
const MAX_LOG_LINES = 80;

export class NodePreparer implements Preparer {
  readonly #options: NodePreparerOptions;
  readonly #messages = new Map<string, string>();

  constructor(options: NodePreparerOptions) {
    this.#options = options;
  }

  async prepare(pod: Pod, signal: AbortSignal): Promise<void> {
    const { volumes } = this.#options;
    await this.#cgroups.ensure(pod).catch((error: Error) => {
      const message = `unable to ensure pod container exists: ${error.message}`;
      throw new PreparationError('FailedCreatePodContainer', message, error);
    });
    const directory = volumes.podDirectory(uidOf(pod));
    for (const name of ['volumes', 'plugins', 'containers'])
      await mkdir(join(directory, name), { recursive: true, mode: 0o750 });
    signal.throwIfAborted();
    await volumes.mount(pod, signal);
  }

  async sandboxConfig(pod: Pod, attempt: number): Promise<SandboxConfig> {
    const { dns } = this.#options;
    const { name = '', namespace = '', uid = '', labels = {}, annotations = {} } = pod.metadata;
    const logDirectory = this.#logDirectory(pod);
    await mkdir(logDirectory, { recursive: true });
    const { hostname, domain } = hostnameOf(pod, dns.clusterDomain);
    const full = pod.spec?.setHostnameAsFQDN && domain ? `${hostname}.${domain}` : hostname;
    const sysctls = pod.spec?.securityContext?.sysctls ?? [];
    const runtimeHandler = await this.#runtimeHandler(pod);
    return {
      metadata: { name, namespace, uid, attempt },
      hostname: isHostNetwork(pod) ? '' : full,
      logDirectory,
      dns: dnsOf(pod, dns),
      portMappings: portsOf(pod),
      labels: { ...labels, ...podLabels(pod) },
      annotations,
      runtimeHandler,
      linux: {
        cgroupParent: this.#cgroups.parentOf(pod),
        sysctls: Object.fromEntries(sysctls.map(({ name, value }) => [normalizeSysctl(name), value])),
        security: inGroups(
          sandboxSecurity(pod, await this.#userNamespace(pod, runtimeHandler)),
          this.#options.volumes.groups(pod),
        ),
        ...this.sandboxResources(pod),
      },
    };
  }

  async containerConfig({
    pod,
    container,
    attempt,
    imageRef,
    podIps,
    targetId,
    imageVolumes,
  }: ContainerRequest): Promise<ContainerConfig> {
    const { volumes, objects, services, node, hostIps, runtime, security, recursiveReadOnly, dns } = this.#options;
    const { userNamespaces, devices, claims } = this.#options;
    const { spec } = container;
    const given = await devices.optionsOf(pod, spec);
    this.#options.resources.exclusive.begins(pod, spec.name);
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
      id: Math.floor(this.#options.world.random() * 2 ** 32)
        .toString(16)
        .padStart(8, '0'),
    });
    await mkdir(join(this.#logDirectory(pod), spec.name), { recursive: true });
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
        resources: this.containerResources(pod, container),
        security: inGroups(
          containerSecurity(pod, container, user, targetId, security, userNamespace),
          volumes.groups(pod),
        ),
      },
    };
  }

  containerResources(pod: Pod, { spec }: PodContainer): LinuxResources {
    return this.#options.resources.ofContainer(pod, spec);
  }

  sandboxResources(pod: Pod) {
    return this.#options.resources.ofSandbox(pod);
  }

  shrinkProblem(pod: Pod, limits: ReadonlyMap<string, number>): Promise<string | undefined> {
    return this.#options.resources.shrinkProblem(pod, limits);
  }

  growCgroup(pod: Pod): Promise<void> {
    return this.#cgroups.grow(pod);
  }

  settleCgroup(pod: Pod): Promise<void> {
    return this.#cgroups.settle(pod);
  }

  async prepareClaims(pod: Pod, signal: AbortSignal): Promise<void> {
    try {
      await this.#options.claims.prepare(pod, signal);
    } catch (error) {
      const message = `Failed to prepare dynamic resources: ${(error as Error).message}`;
      throw new PreparationError('FailedPrepareDynamicResources', message, error);
    }
  }

  async releaseClaims(pod: Pod): Promise<void> {
    await this.#options.claims.unprepare(uidOf(pod));
  }

  deviceHealth(pod: Pod, containerName: string): readonly ResourceStatus[] {
    const { devices, claims } = this.#options;
    const container = pod.spec?.containers?.find(({ name }) => name === containerName);
    const claimed = container ? claims.healthOf(pod, container) : [];
    return [...devices.healthOf(uidOf(pod), containerName), ...claimed];
  }

  /** Logs outlive what the runtime remembers. */
  async restarts(pod: Pod, containerName: string): Promise<number> {
    const files = await readdir(join(this.#logDirectory(pod), containerName)).catch(() => []);
    const attempts = files.flatMap((file) => /^(\d+)\.log/.exec(file)?.[1] ?? []).map(Number);
    return attempts.length > 0 ? Math.max(...attempts) + 1 : 0;
  }

  terminationMessage(container: ContainerStatus): string {
    const known = this.#messages.get(container.id);
    if (known !== undefined) return known;
    const message = readMessage(container);
    this.#messages.set(container.id, message);
    return message;
  }

  async cleanUp(pod: Pod): Promise<void> {
    await this.#options.volumes.unmount(pod);
    await this.#cgroups.remove(uidOf(pod));
  }

  async forget(pod: Pod): Promise<void> {
    for (const id of this.#messages.keys()) {
      if (!(await this.#options.runtime.pod(uidOf(pod))).containers.some((each) => each.id === id))
        this.#messages.delete(id);
    }
    await this.#options.volumes.remove(uidOf(pod));
    this.#options.userNamespaces.release(uidOf(pod));
    await rm(this.#logDirectory(pod), { recursive: true, force: true });
  }

  async removeOrphans(isKnown: (uid: string) => boolean): Promise<void> {
    const { volumes, logsDirectory, userNamespaces, world } = this.#options;
    await this.#cgroups.removeOrphans(isKnown).catch((error) => {
      world.log.warn({ error }, 'Could not remove cgroups of pods that are no more');
    });
    for (const uid of await volumes.uids()) {
      if (isKnown(uid)) continue;
      try {
        await this.#cgroups.remove(uid);
        await volumes.remove(uid);
        userNamespaces.release(uid);
      } catch (error) {
        // The driver of one pod's volume may be a pod that has not come yet.
        world.log.warn({ uid, error }, 'Could not remove what is left of a pod');
      }
    }
    for (const name of await readdir(logsDirectory).catch(() => [])) {
      const uid = /^[^_]+_[^_]+_([^_]+)$/.exec(name)?.[1];
      if (uid !== undefined && !isKnown(uid)) await rm(join(logsDirectory, name), { recursive: true, force: true });
    }
  }

  get #cgroups(): PodCgroups {
    return this.#options.resources.cgroups.pods;
  }

  #logDirectory({ metadata }: Pod): string {
    return join(this.#options.logsDirectory, `${metadata.namespace}_${metadata.name}_${metadata.uid}`);
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

function readMessage({ annotations, mounts, state, log }: ContainerStatus): string {
  if (state.type !== 'exited') return '';
  const path = annotations[names.TERMINATION_MESSAGE_PATH];
  const falls = annotations[names.TERMINATION_MESSAGE_POLICY] === 'FallbackToLogsOnError' && state.exitCode !== 0;
  const file = mounts.find(({ containerPath }) => containerPath === path)?.hostPath;
  try {
    const words = file ? readTail(file, MAX_MESSAGE).toString() : '';
    if (words !== '' || !falls || state.reason === 'ContainerCannotRun' || log.type !== 'file') return words;
    return readLogTail(log.path, MAX_LOG_LINES, MAX_LOG_MESSAGE);
  } catch (error) {
    return `Error on reading termination log ${file}: ${(error as Error).message}`;
  }
}
