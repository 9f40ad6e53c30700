/**
 * Which claims are prepared, on disk, so that whichever kubelet comes next takes them back; in upstream's form
 * (pkg/kubelet/cm/dra/state).
 */
import { crc32 } from 'node:zlib';
import { keyOf, type NodeClaim } from './types.ts';

interface Stored {
  readonly ClaimUID: string;
  readonly ClaimName: string;
  readonly Namespace: string;
  readonly PodUIDs: Readonly<Record<string, object>>;
  readonly DriverState: Readonly<Record<string, { readonly Devices: readonly StoredDevice[] | null }>>;
}

interface StoredDevice {
  readonly PoolName: string;
  readonly DeviceName: string;
  readonly ShareID: string | null;
  readonly RequestNames: readonly string[] | null;
  readonly CDIDeviceIDs: readonly string[] | null;
}

export function formatCheckpoint(claims: Iterable<NodeClaim>): string {
  const list = Array.from(claims, storedOf);
  const data = JSON.stringify({
    kind: 'DRACheckpoint',
    apiVersion: 'checkpoint.dra.kubelet.k8s.io/v1',
    ClaimInfoStateList: list.length > 0 ? list : null,
  });
  return JSON.stringify({ Data: data, Checksum: crc32(data) });
}

/** By namespace and name. @throws Error where it is none, or was changed */
export function parseCheckpoint(text: string): Map<string, NodeClaim> {
  const { Data: data, Checksum: checksum } = JSON.parse(text) as { Data: string; Checksum: number };
  if (crc32(data) !== checksum) throw new Error('checkpoint is corrupted');
  const { ClaimInfoStateList: list } = JSON.parse(data) as { ClaimInfoStateList: readonly Stored[] | null };
  return new Map((list ?? []).map((stored) => [keyOf(stored.Namespace, stored.ClaimName), claimOf(stored)]));
}

function storedOf({ uid, name, namespace, pods, drivers }: NodeClaim): Stored {
  return {
    ClaimUID: uid,
    ClaimName: name,
    Namespace: namespace,
    PodUIDs: Object.fromEntries(Array.from(pods, (pod) => [pod, {}])),
    DriverState: Object.fromEntries(
      Array.from(drivers, ([driver, devices]) => [
        driver,
        {
          Devices: devices.map(({ pool, device, shareId, requests, cdiDevices }) => ({
            PoolName: pool,
            DeviceName: device,
            ShareID: shareId ?? null,
            RequestNames: requests,
            CDIDeviceIDs: cdiDevices,
          })),
        },
      ]),
    ),
  };
}

function claimOf({ ClaimUID, ClaimName, Namespace, PodUIDs, DriverState }: Stored): NodeClaim {
  return {
    uid: ClaimUID,
    name: ClaimName,
    namespace: Namespace,
    pods: new Set(Object.keys(PodUIDs ?? {})),
    drivers: new Map(
      Object.entries(DriverState ?? {}).map(([driver, { Devices }]) => [
        driver,
        (Devices ?? []).map(({ PoolName, DeviceName, ShareID, RequestNames, CDIDeviceIDs }) => ({
          pool: PoolName,
          device: DeviceName,
          shareId: ShareID ?? undefined,
          requests: RequestNames ?? [],
          cdiDevices: CDIDeviceIDs ?? [],
        })),
      ]),
    ),
    isPrepared: false,
  };
}
