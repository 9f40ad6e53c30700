import type { ContainerClaim } from '../claims/manager.ts';
import type { DynamicResource } from './messages.ts';

/** What a container has of claims, in the protocol's words. */
export function dynamicResourcesOf(claims: readonly ContainerClaim[]): DynamicResource[] {
  return claims.map(({ name, namespace, devices }) => ({
    claimName: name,
    claimNamespace: namespace,
    claimResources: devices.map(({ driver, pool, device, shareId, cdiDevices }) => ({
      cdiDevices: cdiDevices.map((each) => ({ name: each })),
      driverName: driver,
      poolName: pool,
      deviceName: device,
      ...(shareId === undefined ? {} : { shareId }),
    })),
  }));
}
