/** Which device an allocation means, and which share of it (k8s.io/dynamic-resource-allocation SharedDeviceID). */
interface DeviceReference {
  readonly driver: string;
  readonly pool: string;
  readonly device: string;
  readonly shareID?: string;
}

/** As a key of sets and maps. */
export function deviceId(reference: DeviceReference): string {
  return JSON.stringify(shownDeviceId(reference));
}

/** As field errors show it. */
export function shownDeviceId({ driver, pool, device, shareID = '' }: DeviceReference): object {
  return { Driver: driver, Pool: pool, Device: device, ShareID: shareID };
}
