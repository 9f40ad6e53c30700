/** The URLs by which an installation's servers are reached. */
import { isIP } from 'node:net';
import { joinHostPort } from '@keelson/component/go/net';
import type { ApiEndpoint, ClusterConfiguration, InitConfiguration } from './types.ts';

const ETCD_CLIENT_PORT = 2379;
const ETCD_PEER_PORT = 2380;
export const ETCD_METRICS_PORT = 2381;

/** `example.org`, `example.org:6443`, `[::1]:6443`. @returns undefined for what is neither */
export function splitHostPort(text: string): { readonly host: string; readonly port: number | undefined } | undefined {
  const [, bracketed, plain, digits] = /^(?:\[([0-9a-fA-F:.]+)\]|([^:[\]]+))(?::([0-9]{1,5}))?$/.exec(text) ?? [];
  const host = bracketed ?? plain ?? (isIP(text) === 6 ? text : undefined);
  const port = digits === undefined ? undefined : Number(digits);
  if (host === undefined || (port !== undefined && (port < 1 || port > 65535))) return undefined;
  return { host, port };
}

/** Where everyone finds the control plane: the endpoint that the cluster shares, or else this machine's server. */
export function controlPlaneUrl(cluster: ClusterConfiguration, endpoint: ApiEndpoint): string {
  const shared = splitHostPort(cluster.controlPlaneEndpoint);
  if (cluster.controlPlaneEndpoint === '' || shared === undefined) return localUrl(endpoint);
  return `https://${joinHostPort(shared.host, shared.port ?? endpoint.bindPort)}`;
}

/** This machine's API server. */
export function localUrl({ advertiseAddress, bindPort }: ApiEndpoint): string {
  return `https://${joinHostPort(advertiseAddress, bindPort)}`;
}

export const etcdClientUrl = (address: string) => `https://${joinHostPort(address, ETCD_CLIENT_PORT)}`;
export const etcdPeerUrl = (address: string) => `https://${joinHostPort(address, ETCD_PEER_PORT)}`;

/** The loopback address of the same family. */
export const loopbackOf = (address: string) => (isIP(address) === 6 ? '::1' : '127.0.0.1');

/** The address of this machine that its API server and etcd are reached by. */
export const addressOf = (init: InitConfiguration) => init.localApiEndpoint.advertiseAddress;
