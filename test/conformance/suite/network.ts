/** Networks of further machines. */
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';

export interface JoinedNetwork {
  /** A command that runs another in it, on a machine of that name. */
  readonly within: readonly string[];
  readonly address: string;
  /** Leads what is for these pods there. @param subnet as CIDR */
  leadPods(subnet: string): void;
}

/**
 * Joins a network to the one that this process is in, until the process ends. Machines reach each other, and each other's pods, by the
 * addresses that their nodes have.
 * @param own the address of this one
 * @param host name of the machine there
 * @param n its number, from 2 to 254
 */
export function joinNetwork(own: string, host: string, n: number): JoinedNetwork {
  const name = `ks${randomBytes(3).toString('hex')}`;
  // None of a service, nor of a pod.
  const address = `192.168.98.${n}`;
  const ip = (...args: string[]) => execFileSync('ip', args, { stdio: ['ignore', 'ignore', 'inherit'] });
  const forward = ['sh', '-c', 'echo 1 >/proc/sys/net/ipv4/ip_forward'] as const;
  ip('netns', 'add', name);
  process.once('exit', () => ip('netns', 'delete', name));
  ip('link', 'add', name, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', name);
  ip('link', 'set', name, 'up');
  ip('route', 'add', address, 'dev', name, 'src', own);
  ip('-n', name, 'link', 'set', 'lo', 'up');
  ip('-n', name, 'address', 'add', `${address}/32`, 'dev', 'eth0');
  ip('-n', name, 'link', 'set', 'eth0', 'up');
  ip('-n', name, 'route', 'add', own, 'dev', 'eth0');
  ip('-n', name, 'route', 'add', 'default', 'via', own);
  execFileSync(forward[0], forward.slice(1));
  const enter = [`--net=/run/netns/${name}`];
  execFileSync('nsenter', [...enter, ...forward]);
  // Pods of the host's network have its name.
  const within = ['nsenter', ...enter, 'unshare', '--uts', 'sh', '-c', `hostname ${host}; exec "$@"`, 'sh'];
  return { within, address, leadPods: (subnet) => ip('route', 'add', subnet, 'via', address, 'src', own) };
}
