/** Names of chains and sets (pkg/proxy/nftables/proxier.go), known to those who look into the kernel's tables. */
import { createHash } from 'node:crypto';
import type { Endpoint } from '../endpoints.ts';
import type { ServicePort } from '../services.ts';

export const TABLE = 'kube-proxy';

/** nft's limit of names, less the longest prefix. */
const LONGEST = 256 - 16;
const BASE32 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';
const HASH_LENGTH = 8;

/** The names of what belongs to a port of a service. */
export function namesOf({ namespace, service, protocol, name }: ServicePort) {
  const port = `${namespace}/${service}/${protocol}/${name}`;
  const base = hashed(port);
  return {
    cluster: `service-${base}`,
    local: `local-${base}`,
    external: `external-${base}`,
    firewall: `firewall-${base}`,
    endpoint: (endpoint: Endpoint) => {
      const own = hashed(`${port}__${endpoint.ip.replaceAll(':', '.')}/${endpoint.port}`);
      return { chain: `endpoint-${own}`, affinity: `affinity-${own}` };
    },
  };
}

/** Unique though cut, and told from its neighbours at a glance. */
export function hashed(name: string): string {
  const digest = createHash('sha256').update(name).digest();
  let bits = digest.readUIntBE(0, 5);
  let hash = '';
  for (let i = 0; i < HASH_LENGTH; i++) {
    hash = BASE32[bits % 32] + hash;
    bits = Math.floor(bits / 32);
  }
  const full = `${hash}-${name}`;
  return full.length > LONGEST ? `${full.slice(0, LONGEST - 3)}...` : full;
}
