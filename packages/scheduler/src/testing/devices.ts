import type {
  Device,
  DeviceClass,
  DeviceRequest,
  ExactDeviceRequest,
  ResourceClaim,
  ResourceSlice,
} from '@keelson/api/generated/types/resource/v1';

const apiVersion = 'resource.k8s.io/v1';
export const driver = 'gpu.example.com';

export function makeClass(name: string, expression?: string): DeviceClass {
  const selectors = expression ? [{ cel: { expression } }] : [];
  return { apiVersion, kind: 'DeviceClass', metadata: { name }, spec: { selectors } };
}

/** Pods get its devices for an extended resource. */
export function makeClassOf(resource: string, name: string, creationTimestamp = '2026-01-01T00:00:00Z'): DeviceClass {
  const { metadata, ...made } = makeClass(name);
  return { ...made, metadata: { ...metadata, creationTimestamp }, spec: { extendedResourceName: resource } };
}

export function makeDevice(name: string, more: Partial<Device> = {}): Device {
  return { name, ...more };
}

/** The devices of a node, all of them, in a pool of its own. */
export function makeSlice(node: string, devices: readonly Device[], more: Partial<ResourceSlice['spec']> = {}) {
  const pool = { name: node, generation: 1, resourceSliceCount: 1 };
  const spec = { driver, pool, nodeName: node, devices: [...devices], ...more };
  return { apiVersion, kind: 'ResourceSlice', metadata: { name: `slice-${node}` }, spec } satisfies ResourceSlice;
}

export function exactly(name: string, more: Partial<ExactDeviceRequest> = {}): DeviceRequest {
  return { name, exactly: { deviceClassName: 'gpu', allocationMode: 'ExactCount', count: 1, ...more } };
}

export function makeClaim(
  name: string,
  requests: DeviceRequest[],
  more: Partial<ResourceClaim['spec']['devices']> = {},
  status: ResourceClaim['status'] = {},
): ResourceClaim {
  const metadata = { namespace: 'default', name, uid: `uid-${name}`, resourceVersion: '1' };
  return { apiVersion, kind: 'ResourceClaim', metadata, spec: { devices: { requests, ...more } }, status };
}
