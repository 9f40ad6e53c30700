/** Who is answered: a server for anybody on the internet would be used to flood others. */
import { BlockList, isIPv4 } from 'node:net';
import { networkInterfaces } from 'node:os';

const PRIVATE = [
  ['10.0.0.0', 8, 'ipv4'],
  ['172.16.0.0', 12, 'ipv4'],
  ['192.168.0.0', 16, 'ipv4'],
  ['100.64.0.0', 10, 'ipv4'],
  ['169.254.0.0', 16, 'ipv4'],
  ['127.0.0.0', 8, 'ipv4'],
  ['fc00::', 7, 'ipv6'],
  ['fe80::', 10, 'ipv6'],
  ['::1', 128, 'ipv6'],
] as const;

/** Networks come and go with pods. */
const REMEMBERED_MS = 10_000;

export class Neighbours {
  readonly #private = new BlockList();
  readonly #now: () => number;
  #networks = new BlockList();
  #until = 0;

  /** @param now milliseconds */
  constructor(now: () => number) {
    this.#now = now;
    for (const [network, prefix, family] of PRIVATE) this.#private.addSubnet(network, prefix, family);
  }

  /** Whether an address is private, or of a network that this machine is in. */
  has(address: string): boolean {
    const plain = address.replace(/^::ffff:(?=\d+\.)/, '').replace(/%.*/, '');
    const family = isIPv4(plain) ? 'ipv4' : 'ipv6';
    if (this.#private.check(plain, family)) return true;
    if (this.#now() >= this.#until) this.#look();
    return this.#networks.check(plain, family);
  }

  #look(): void {
    this.#until = this.#now() + REMEMBERED_MS;
    this.#networks = new BlockList();
    for (const { cidr } of Object.values(networkInterfaces()).flatMap((list) => list ?? [])) {
      const [network, prefix] = (cidr ?? '').split('/');
      if (network && Number(prefix) > 0) {
        this.#networks.addSubnet(network, Number(prefix), isIPv4(network) ? 'ipv4' : 'ipv6');
      }
    }
  }
}
