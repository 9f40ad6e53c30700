import type { ContainerPort } from '@keelson/api/generated/types/core/v1';

const ANY = '0.0.0.0';

/** Ports of a node that its pods take, by address: one on any address is in the way of the same on each other. */
export class HostPorts {
  readonly #byIp = new Map<string, Set<string>>();

  add({ hostIP, protocol, hostPort }: ContainerPort): void {
    const ip = hostIP || ANY;
    const ports = this.#byIp.get(ip);
    if (ports) ports.add(portKey(protocol, hostPort));
    else this.#byIp.set(ip, new Set([portKey(protocol, hostPort)]));
  }

  remove({ hostIP, protocol, hostPort }: ContainerPort): void {
    const ip = hostIP || ANY;
    const ports = this.#byIp.get(ip);
    ports?.delete(portKey(protocol, hostPort));
    if (ports?.size === 0) this.#byIp.delete(ip);
  }

  conflicts({ hostIP, protocol, hostPort }: ContainerPort): boolean {
    if (this.#byIp.size === 0) return false;
    const ip = hostIP || ANY;
    const key = portKey(protocol, hostPort);
    if (ip !== ANY) return this.#has(ANY, key) || this.#has(ip, key);
    for (const ports of this.#byIp.values()) if (ports.has(key)) return true;
    return false;
  }

  clone(): HostPorts {
    const copy = new HostPorts();
    for (const [ip, ports] of this.#byIp) copy.#byIp.set(ip, new Set(ports));
    return copy;
  }

  #has(ip: string, key: string): boolean {
    return this.#byIp.get(ip)?.has(key) ?? false;
  }
}

function portKey(protocol: string | undefined, port: number | undefined): string {
  return `${protocol || 'TCP'}/${port}`;
}
