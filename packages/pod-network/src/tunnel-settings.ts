/** How nodes are reached that share no segment. */

/** Which nodes are reached through it: those behind a router, all, none. */
export const TUNNEL_MODES = ['CrossSubnet', 'Always', 'Never'] as const;
export type TunnelMode = (typeof TUNNEL_MODES)[number];

/** All nodes have to have the same. */
export interface TunnelSettings {
  readonly mode: TunnelMode;
  /** Of the network (VNI), 24 bits. */
  readonly id: number;
  /** Of UDP. */
  readonly port: number;
}

/** flannel's numbers, Calico's way. */
export const defaultTunnel: TunnelSettings = { mode: 'CrossSubnet', id: 1, port: 8472 };
