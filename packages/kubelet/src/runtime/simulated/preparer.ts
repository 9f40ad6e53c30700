/** What a simulated pod has on the node: nothing. */
import type { Pod } from '@keelson/api/generated/types/core/v1';
import { containerHash } from '../../pods/hash.ts';
import type { Configurations, ContainerRequest, PodResources, PodServices, Preparer } from '../../pods/services.ts';
import { isHostNetwork } from '../../pods/spec.ts';
import type { ContainerConfig } from '../container.ts';
import { CONTAINER_HASH, RESTART_COUNT } from '../labels.ts';
import type { SandboxConfig } from '../sandbox.ts';

/** What the simulated runtime must know of a container beside what a real one is told. */
export const ROLE = 'keelson.dev/simulated-role';
export const RESTART_POLICY = 'keelson.dev/simulated-restart-policy';

const NONE = {} as const;
const POD = { network: 'pod', pid: 'container', ipc: 'pod' } as const;
const HOST = { ...POD, network: 'node' } as const;

/** What a node has for simulated pods. */
export function simulatedPods(): Pick<PodServices, 'preparer' | 'configurations' | 'podResources'> {
  return { preparer: new SimulatedPreparer(), configurations: CONFIGURATIONS, podResources: RESOURCES };
}

export class SimulatedPreparer implements Preparer {
  async prepare(): Promise<void> {}

  async prepareClaims(): Promise<void> {}

  async releaseClaims(): Promise<void> {}

  async linkLog(): Promise<void> {}

  async restarts(): Promise<number> {
    return 0;
  }

  deviceHealth() {
    return [];
  }

  terminationMessage(): string {
    return '';
  }

  async cleanUp(): Promise<void> {}

  async forget(): Promise<void> {}

  async removeOrphans(): Promise<void> {}
}

const RESOURCES: PodResources = {
  ofContainer: () => NONE,
  ofSandbox: () => NONE,
  shrinkProblem: async () => undefined,
  grow: async () => {},
  settle: async () => {},
};

const CONFIGURATIONS: Configurations = {
  async sandbox(pod: Pod, attempt: number): Promise<SandboxConfig> {
    const { name = '', namespace = '', uid = '', annotations = NONE } = pod.metadata;
    const namespaces = isHostNetwork(pod) ? HOST : POD;
    return {
      metadata: { name, namespace, uid, attempt },
      hostname: name,
      logDirectory: '',
      dns: { servers: [], searches: [], options: [] },
      portMappings: [],
      labels: NONE,
      annotations,
      runtimeHandler: '',
      linux: { cgroupParent: '', sysctls: NONE, security: { namespaces, privileged: false, supplementalGroups: [] } },
    };
  },

  async container({ pod, container, attempt, imageRef }: ContainerRequest): Promise<ContainerConfig> {
    const { role, spec } = container;
    return {
      metadata: { name: spec.name, attempt },
      image: { image: imageRef, userSpecified: spec.image ?? '', runtimeHandler: '' },
      command: [],
      args: [],
      workingDirectory: '',
      env: [],
      mounts: [],
      devices: [],
      cdiDevices: [],
      labels: NONE,
      annotations: {
        [CONTAINER_HASH]: containerHash(spec),
        [RESTART_COUNT]: String(attempt),
        [ROLE]: role,
        [RESTART_POLICY]: pod.spec?.restartPolicy ?? 'Always',
      },
      logPath: '',
      stdin: false,
      stdinOnce: false,
      tty: false,
      linux: {
        resources: NONE,
        security: {
          namespaces: isHostNetwork(pod) ? HOST : POD,
          privileged: false,
          readOnlyRootFilesystem: false,
          noNewPrivileges: false,
          supplementalGroups: [],
          capabilities: { add: [], drop: [] },
          maskedPaths: [],
          readonlyPaths: [],
        },
      },
    };
  },
};
