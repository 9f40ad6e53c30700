/** Calls to the node service of one driver (pkg/volume/csi/csi_client.go). */
import { RpcClient } from '@keelson/component/grpc/client';
import { RpcError } from '@keelson/component/grpc/errors';
import { Service } from '@keelson/component/grpc/service';
import { csiDescriptors } from '../../generated/csi-v1.ts';
import type { VolumeCapability } from './capability.ts';
import type { CsiOperations } from './metrics.ts';

type Texts = Readonly<Record<string, string>>;

/** By method: what goes in and what comes out. */
export interface NodeMethods {
  NodeGetInfo: [
    object,
    { nodeId: string; maxVolumesPerNode: number; accessibleTopology: { segments: Record<string, string> } | null },
  ];
  NodeGetCapabilities: [object, { capabilities: { rpc: { type: string } | null }[] }];
  NodeStageVolume: [
    {
      volumeId: string;
      publishContext: Texts;
      stagingTargetPath: string;
      volumeCapability: VolumeCapability;
      secrets: Texts;
      volumeContext: Texts;
    },
    object,
  ];
  NodeUnstageVolume: [{ volumeId: string; stagingTargetPath: string }, object];
  NodePublishVolume: [
    {
      volumeId: string;
      publishContext: Texts;
      /** Empty for a driver that does not stage. */
      stagingTargetPath: string;
      targetPath: string;
      volumeCapability: VolumeCapability;
      readonly: boolean;
      secrets: Texts;
      volumeContext: Texts;
    },
    object,
  ];
  NodeUnpublishVolume: [{ volumeId: string; targetPath: string }, object];
  NodeGetVolumeStats: [
    { volumeId: string; volumePath: string },
    { usage: { available: number; total: number; used: number; unit: string }[] },
  ];
  NodeExpandVolume: [
    {
      volumeId: string;
      volumePath: string;
      capacityRange: { requiredBytes: number };
      stagingTargetPath: string;
      volumeCapability: VolumeCapability;
      secrets: Texts;
    },
    { capacityBytes: number },
  ];
}

export const nodeService = new Service<NodeMethods>(csiDescriptors, 'csi.v1.Node');

/** What a driver can, as far as a kubelet asks. */
export type NodeCapability =
  | 'STAGE_UNSTAGE_VOLUME'
  | 'GET_VOLUME_STATS'
  | 'EXPAND_VOLUME'
  | 'SINGLE_NODE_MULTI_WRITER'
  | 'VOLUME_MOUNT_GROUP';

/** For one call, and all that belongs to it. */
export const CALL_TIMEOUT_MS = 2 * 60_000;

export class Driver {
  readonly name: string;
  readonly endpoint: string;
  readonly #client: RpcClient;
  readonly #operations: CsiOperations | undefined;

  /** @param endpoint absolute path of its socket */
  constructor(name: string, endpoint: string, operations?: CsiOperations) {
    this.name = name;
    this.endpoint = endpoint;
    this.#client = new RpcClient(`unix:${endpoint}`);
    this.#operations = operations;
  }

  /** @throws RpcError */
  call<M extends keyof NodeMethods>(method: M, request: NodeMethods[M][0]): Promise<NodeMethods[M][1]> {
    const call = () => this.#client.call(nodeService, method, request, { timeoutMs: CALL_TIMEOUT_MS });
    const path = nodeService.method(method).path;
    return this.#operations ? this.#operations.observe(this.name, path, call) : call();
  }

  /** Asked each time: a driver may have been replaced by another version of itself. @throws RpcError */
  async capabilities(): Promise<ReadonlySet<NodeCapability>> {
    const { capabilities } = await this.call('NodeGetCapabilities', {});
    return new Set(capabilities.flatMap(({ rpc }) => (rpc ? [rpc.type as NodeCapability] : [])));
  }

  close(): void {
    this.#client.close();
  }
}

/** After these the driver may still be at it. */
const PENDING = new Set(['Canceled', 'DeadlineExceeded', 'Unavailable', 'ResourceExhausted', 'Aborted']);

/** Whether the driver has begun nothing, or has taken it back: what failed before it was called leaves that open. */
export function isFinal(error: unknown): boolean {
  return error instanceof RpcError && !PENDING.has(error.codeName);
}
