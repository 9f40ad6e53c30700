/** Devices and what plugins say of them (k8s.io/kubelet/pkg/apis/deviceplugin/v1beta1). */

/** A device of a plugin. */
export interface Device {
  readonly id: string;
  readonly healthy: boolean;
  /** The NUMA nodes that it is near to; none where the plugin does not say. */
  readonly nodes: readonly number[];
}

/** What a plugin wants the runtime to do, so that one container has its devices: a `ContainerAllocateResponse`. */
export interface DeviceGrant {
  readonly envs: Readonly<Record<string, string>>;
  readonly mounts: readonly { readonly containerPath: string; readonly hostPath: string; readonly readOnly: boolean }[];
  readonly devices: readonly DeviceNode[];
  readonly annotations: Readonly<Record<string, string>>;
  /** By full name, `vendor.com/gpu=0`. */
  readonly cdiDevices: readonly { readonly name: string }[];
}

/** What a plugin wants to be asked. */
export interface PluginOptions {
  /** Before each start of a container. */
  readonly preStartRequired: boolean;
  /** Which devices it would take. */
  readonly getPreferredAllocationAvailable: boolean;
}

/** A file of the host's that is one of the container's. */
export interface DeviceNode {
  readonly containerPath: string;
  readonly hostPath: string;
  /** Of `r`, `w` and `m`. */
  readonly permissions: string;
}
