/** What containers may do, as runtimes are told (pkg/kubelet/kuberuntime/security_context.go, pkg/securitycontext). */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type {
  AppArmorProfile,
  Pod,
  PodSecurityContext,
  SELinuxOptions,
  SeccompProfile,
  SecurityContext,
} from '@keelson/api/generated/types/core/v1';
import { declaredContainers } from '@keelson/api/resources/pod-parts';
import { formatPod, isHostNetwork, type PodContainer } from '../pods/spec.ts';
import type { ContainerSecurity } from '../runtime/container.ts';
import type { SecurityProfile, SelinuxOptions } from '../runtime/linux.ts';
import type { Namespaces, SandboxSecurity } from '../runtime/sandbox.ts';

export interface SecurityDefaults {
  /** Of the profiles that pods name. */
  readonly seccompRoot: string;
  /** Whether the runtime's own profile is for all that name none. */
  readonly seccompDefault: boolean;
}

/** The user that the image names: a number, or a name. */
export interface ImageUser {
  readonly uid?: number | undefined;
  readonly name: string;
}

/** @param user the pod's own user namespace */
export function sandboxSecurity(pod: Pod, user?: Namespaces['user']): SandboxSecurity {
  const context = pod.spec?.securityContext ?? {};
  return {
    namespaces: namespacesOf(pod, user),
    privileged: declaredContainers(pod.spec).some(({ securityContext }) => securityContext?.privileged === true),
    runAsUser: context.runAsUser,
    runAsGroup: context.runAsGroup,
    supplementalGroups: groupsOf(context),
    supplementalGroupsPolicy: context.supplementalGroupsPolicy as SandboxSecurity['supplementalGroupsPolicy'],
    selinux: selinuxOf(context.seLinuxOptions),
    // The sandbox's own process needs no more.
    seccomp: { type: 'RuntimeDefault' },
  };
}

/** @throws Error where the container would run as root and must not */
export function containerSecurity(
  pod: Pod,
  { spec }: PodContainer,
  user: ImageUser,
  targetId: string | undefined,
  defaults: SecurityDefaults,
  userNamespace?: Namespaces['user'],
): ContainerSecurity {
  const ofPod = pod.spec?.securityContext ?? {};
  const own = spec.securityContext ?? {};
  checkNonRoot(pod, spec.name, { ...ofPod, ...own }, user);
  const runAsUser = own.runAsUser ?? ofPod.runAsUser;
  const privileged = own.privileged === true;
  const unmasked = own.procMount === 'Unmasked';
  const namespaces = namespacesOf(pod, userNamespace);
  const target = targetId !== undefined && namespaces.pid === 'container';
  return {
    namespaces: target ? { ...namespaces, pid: 'target', targetId } : namespaces,
    privileged,
    readOnlyRootFilesystem: own.readOnlyRootFilesystem === true,
    noNewPrivileges: own.allowPrivilegeEscalation === false,
    runAsUser: runAsUser ?? user.uid,
    runAsUserName: runAsUser === undefined && user.uid === undefined ? user.name || undefined : undefined,
    runAsGroup: own.runAsGroup ?? ofPod.runAsGroup,
    supplementalGroups: groupsOf(ofPod),
    supplementalGroupsPolicy: ofPod.supplementalGroupsPolicy as ContainerSecurity['supplementalGroupsPolicy'],
    capabilities: { add: own.capabilities?.add ?? [], drop: own.capabilities?.drop ?? [] },
    maskedPaths: unmasked ? [] : maskedPaths(),
    readonlyPaths: unmasked ? [] : READONLY_PATHS,
    selinux: selinuxOf(own.seLinuxOptions ?? ofPod.seLinuxOptions),
    seccomp: seccompOf(own.seccompProfile ?? ofPod.seccompProfile, privileged, defaults),
    apparmor: apparmorOf(own.appArmorProfile ?? ofPod.appArmorProfile, privileged),
  };
}

/** Who the container runs as is known by number alone; of a name nobody can say that it is not root's. */
function checkNonRoot(pod: Pod, name: string, { runAsNonRoot, runAsUser }: SecurityContext, user: ImageUser): void {
  if (!runAsNonRoot) return;
  const where = `(pod: "${formatPod(pod)}", container: ${name})`;
  if (runAsUser !== undefined) {
    if (runAsUser === 0) throw new Error(`container's runAsUser breaks non-root policy ${where}`);
    return;
  }
  if (user.uid === 0) throw new Error(`container has runAsNonRoot and image will run as root ${where}`);
  if (user.uid !== undefined || !user.name) return;
  const why = `image has non-numeric user (${user.name}), cannot verify user is non-root`;
  throw new Error(`container has runAsNonRoot and ${why} ${where}`);
}

function namespacesOf(pod: Pod, user: Namespaces['user']): Namespaces {
  const { hostPID, hostIPC, shareProcessNamespace } = pod.spec!;
  return {
    network: isHostNetwork(pod) ? 'node' : 'pod',
    pid: hostPID ? 'node' : shareProcessNamespace ? 'pod' : 'container',
    ipc: hostIPC ? 'node' : 'pod',
    ...(user ? { user } : {}),
  };
}

function groupsOf({ fsGroup, supplementalGroups = [] }: PodSecurityContext): number[] {
  return [...(fsGroup === undefined ? [] : [fsGroup]), ...supplementalGroups];
}

function selinuxOf(options: SELinuxOptions | undefined): SelinuxOptions | undefined {
  return options && { user: '', role: '', type: '', level: '', ...options };
}

function seccompOf(
  profile: SeccompProfile | undefined,
  privileged: boolean,
  defaults: SecurityDefaults,
): SecurityProfile {
  const fallback: SecurityProfile = { type: defaults.seccompDefault ? 'RuntimeDefault' : 'Unconfined' };
  if (!profile) return privileged ? { type: 'Unconfined' } : fallback;
  if (profile.type === 'Localhost')
    return { type: 'Localhost', localhost: join(defaults.seccompRoot, profile.localhostProfile ?? '') };
  return { type: profile.type === 'RuntimeDefault' ? 'RuntimeDefault' : 'Unconfined' };
}

function apparmorOf(profile: AppArmorProfile | undefined, privileged: boolean): SecurityProfile | undefined {
  if (!profile || privileged) return undefined;
  if (profile.type === 'Localhost') return { type: 'Localhost', localhost: profile.localhostProfile ?? '' };
  return { type: profile.type === 'RuntimeDefault' ? 'RuntimeDefault' : 'Unconfined' };
}

const READONLY_PATHS = ['/proc/bus', '/proc/fs', '/proc/irq', '/proc/sys', '/proc/sysrq-trigger'];
const MASKED_PATHS = [
  '/proc/asound',
  '/proc/acpi',
  '/proc/interrupts',
  '/proc/kcore',
  '/proc/keys',
  '/proc/latency_stats',
  '/proc/timer_list',
  '/proc/timer_stats',
  '/proc/sched_debug',
  '/proc/scsi',
  '/sys/firmware',
  '/sys/devices/virtual/powercap',
];
const MAX_CPUS = 1024;
let masked: readonly string[] | undefined;

/** Those of all containers, and of each CPU of this machine what tells of its heat. */
function maskedPaths(): readonly string[] {
  if (masked) return masked;
  const heat: string[] = [];
  for (let i = 0; i < MAX_CPUS && existsSync(`/sys/devices/system/cpu/cpu${i}`); i++) {
    const path = `/sys/devices/system/cpu/cpu${i}/thermal_throttle`;
    if (existsSync(path)) heat.push(path);
  }
  masked = [...MASKED_PATHS, ...heat];
  return masked;
}
