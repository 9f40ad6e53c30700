/** What the kubelet wants, in the protocol's words. */
import type { ContainerConfig, ContainerSecurity, Mount } from '../container.ts';
import type { ImageCredentials, ImageSpec } from '../images.ts';
import type { IdMapping, LinuxResources, SecurityProfile, SelinuxOptions } from '../linux.ts';
import type { Namespaces, SandboxConfig, SandboxSecurity } from '../sandbox.ts';

export function sandboxRequest(config: SandboxConfig): object {
  const { metadata, dns, linux } = config;
  return {
    metadata,
    hostname: config.hostname,
    log_directory: config.logDirectory,
    dns_config: dns,
    port_mappings: config.portMappings.map(({ protocol, containerPort, hostPort, hostIp }) => ({
      protocol,
      container_port: containerPort,
      host_port: hostPort,
      host_ip: hostIp,
    })),
    labels: config.labels,
    annotations: config.annotations,
    linux: {
      cgroup_parent: linux.cgroupParent,
      sysctls: linux.sysctls,
      security_context: sandboxSecurity(linux.security),
      ...(linux.overhead ? { overhead: resourcesRequest(linux.overhead) } : {}),
      ...(linux.resources ? { resources: resourcesRequest(linux.resources) } : {}),
    },
  };
}

export function containerRequest(config: ContainerConfig): object {
  return {
    metadata: config.metadata,
    image: imageRequest(config.image),
    command: config.command,
    args: config.args,
    working_dir: config.workingDirectory,
    // Bytes, whatever they mean.
    envs: config.env.map(({ name, value }) => ({ key: name, value: Buffer.from(value) })),
    mounts: config.mounts.map((mount) => mountRequest(mount, config.linux.security.namespaces.user)),
    devices: config.devices.map(({ containerPath, hostPath, permissions }) => ({
      container_path: containerPath,
      host_path: hostPath,
      permissions,
    })),
    CDI_devices: config.cdiDevices.map((name) => ({ name })),
    labels: config.labels,
    annotations: config.annotations,
    log_path: config.logPath,
    stdin: config.stdin,
    stdin_once: config.stdinOnce,
    tty: config.tty,
    ...(config.stopSignal ? { stop_signal: config.stopSignal } : {}),
    linux: {
      resources: resourcesRequest(config.linux.resources),
      security_context: containerSecurity(config.linux.security),
    },
  };
}

export function imageRequest({ image, userSpecified, runtimeHandler }: ImageSpec): object {
  return { image, user_specified_image: userSpecified, runtime_handler: runtimeHandler };
}

export function credentialsRequest(credentials: ImageCredentials): object {
  const { username, password, auth, serverAddress, identityToken, registryToken } = credentials;
  return {
    username,
    password,
    auth,
    server_address: serverAddress,
    identity_token: identityToken,
    registry_token: registryToken,
  };
}

export function resourcesRequest(resources: LinuxResources): object {
  return {
    cpu_period: resources.cpuPeriod ?? 0,
    cpu_quota: resources.cpuQuota ?? 0,
    cpu_shares: resources.cpuShares ?? 0,
    memory_limit_in_bytes: resources.memoryLimit ?? 0,
    memory_swap_limit_in_bytes: resources.memorySwapLimit ?? 0,
    oom_score_adj: resources.oomScoreAdj ?? 0,
    cpuset_cpus: resources.cpusetCpus ?? '',
    cpuset_mems: resources.cpusetMems ?? '',
    hugepage_limits: (resources.hugepageLimits ?? []).map(({ pageSize, limit }) => ({ page_size: pageSize, limit })),
    unified: resources.unified ?? {},
  };
}

const PROPAGATIONS: Readonly<Record<Mount['propagation'], string>> = {
  private: 'PROPAGATION_PRIVATE',
  hostToContainer: 'PROPAGATION_HOST_TO_CONTAINER',
  bidirectional: 'PROPAGATION_BIDIRECTIONAL',
};

function mountRequest(mount: Mount, user: Namespaces['user']): object {
  return {
    container_path: mount.containerPath,
    host_path: mount.hostPath,
    readonly: mount.readOnly,
    recursive_read_only: mount.recursiveReadOnly,
    selinux_relabel: mount.selinuxRelabel,
    propagation: PROPAGATIONS[mount.propagation],
    ...(mount.image ? { image: imageRequest(mount.image), image_sub_path: mount.imageSubPath ?? '' } : {}),
    ...(user ? { uidMappings: user.uids.map(mapping), gidMappings: user.gids.map(mapping) } : {}),
  };
}

function sandboxSecurity(security: SandboxSecurity): object {
  return { privileged: security.privileged, ...commonSecurity(security) };
}

function containerSecurity(security: ContainerSecurity): object {
  return {
    privileged: security.privileged,
    readonly_rootfs: security.readOnlyRootFilesystem,
    no_new_privs: security.noNewPrivileges,
    run_as_username: security.runAsUserName ?? '',
    capabilities: { add_capabilities: security.capabilities.add, drop_capabilities: security.capabilities.drop },
    masked_paths: security.maskedPaths,
    readonly_paths: security.readonlyPaths,
    ...commonSecurity(security),
  };
}

type Common = SandboxSecurity | ContainerSecurity;

function commonSecurity(security: Common): object {
  const { runAsUser, runAsGroup, selinux, seccomp, apparmor, supplementalGroupsPolicy: policy } = security;
  return {
    namespace_options: namespaces(security.namespaces),
    ...(runAsUser === undefined ? {} : { run_as_user: { value: runAsUser } }),
    ...(runAsGroup === undefined ? {} : { run_as_group: { value: runAsGroup } }),
    supplemental_groups: security.supplementalGroups,
    ...(policy === undefined ? {} : { supplemental_groups_policy: policy }),
    ...(selinux === undefined ? {} : { selinux_options: selinuxRequest(selinux) }),
    ...(seccomp === undefined ? {} : { seccomp: profile(seccomp) }),
    ...(apparmor === undefined ? {} : { apparmor: profile(apparmor) }),
  };
}

function namespaces({ network, pid, ipc, targetId, user }: Namespaces): object {
  return {
    network: network.toUpperCase(),
    pid: pid.toUpperCase(),
    ipc: ipc.toUpperCase(),
    target_id: targetId ?? '',
    ...(user ? { userns_options: { mode: 'POD', uids: user.uids.map(mapping), gids: user.gids.map(mapping) } } : {}),
  };
}

const mapping = ({ hostId, containerId, length }: IdMapping) => ({
  host_id: hostId,
  container_id: containerId,
  length,
});

const selinuxRequest = ({ user, role, type, level }: SelinuxOptions) => ({ user, role, type, level });

const profile = ({ type, localhost }: SecurityProfile) => ({ profile_type: type, localhost_ref: localhost ?? '' });
