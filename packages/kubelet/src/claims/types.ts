/** Claims of devices as the node knows them. */

/** What a driver has prepared. */
export interface PreparedDevice {
  readonly pool: string;
  readonly device: string;
  readonly shareId?: string | undefined;
  /** Of the claim's requests those that it is for; none: all. */
  readonly requests: readonly string[];
  /** By which the runtime knows it: `vendor.com/class=name`. */
  readonly cdiDevices: readonly string[];
}

/** A claim that pods of the node use, or are about to. */
export interface NodeClaim {
  readonly uid: string;
  readonly name: string;
  readonly namespace: string;
  readonly pods: Set<string>;
  /** By driver; none where it has not said yet which. */
  readonly drivers: Map<string, readonly PreparedDevice[]>;
  /** By this kubelet: one that starts has them prepared again before it makes a sandbox. */
  isPrepared: boolean;
}

export function keyOf(namespace: string, name: string): string {
  return `${namespace}/${name}`;
}
