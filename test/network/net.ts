/** Networks of their own for tests of what the kernel does with packets: a node, and pods and clients that are joined to it. */
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { nftProblem, systemNft } from '@keelson/proxy';
import { type Program, startProgram, untilReady } from '../support/process.ts';
import { fetched, missing } from '../support/tools.ts';

process.env.PATH = `${fetched('usr/bin')}:${process.env.PATH}`;

/** Why the kernel's tables cannot be tried here; undefined when they can. */
export async function noNetworks(): Promise<string | undefined> {
  if (process.getuid?.() !== 0) return 'networks of their own are made by root alone';
  const reason = missing('nft');
  if (reason !== undefined) return reason;
  let node: Network;
  try {
    node = new Network('n');
  } catch (error) {
    return `networks of their own cannot be made here: ${(error as Error).message}`;
  }
  try {
    const problem = await nftProblem(systemNft(node.within), 'IPv4');
    return problem === undefined ? undefined : `the kernel has no nf_tables: ${problem}`;
  } finally {
    node.remove();
  }
}

/** Why pods on one bridge cannot reach each other through services here; undefined when they can. */
export const noBridges = (): string | undefined =>
  existsSync('/proc/sys/net/bridge')
    ? undefined
    : 'the kernel does not show bridged packets to netfilter (br_netfilter)';

const ip = (...args: string[]) => execFileSync('ip', args, { stdio: ['ignore', 'pipe', 'pipe'] });

/** Speaks to a port, and prints what it says or how it fails. */
const CLIENT = `
const [, kind, host, port] = process.argv;
const end = (text) => { process.stdout.write(text); process.exit(); };
setTimeout(() => end('no answer'), 1500);
if (kind === 'udp') {
  const socket = require('dgram').createSocket(host.includes(':') ? 'udp6' : 'udp4');
  socket.on('message', (data) => end(String(data))).on('error', (e) => end(e.code));
  socket.connect(+port, host, () => socket.send('?'));
} else {
  require('net').connect(+port, host).on('data', (data) => end(String(data))).on('error', (e) => end(e.code));
}`;

/** Says its name, and who asks. */
const SERVER = `
const [, name, port] = process.argv;
const plain = (address) => address.replace('::ffff:', '');
require('net').createServer((s) => { s.on('error', () => {}); s.end(name + ' ' + plain(s.remoteAddress)); }).listen(+port, '::', () => {
  const socket = require('dgram').createSocket('udp6');
  socket.on('message', (_, from) => socket.send(name + ' ' + plain(from.address), from.port, from.address));
  socket.bind(+port, '::', () => console.log('ready'));
});`;

export class Network {
  readonly name: string;
  /** A command that runs another in it. */
  readonly within: readonly string[];
  readonly #programs: Program[] = [];

  constructor(kind: string) {
    this.name = `kn${kind}${randomBytes(3).toString('hex')}`;
    this.within = ['nsenter', `--net=/run/netns/${this.name}`];
    ip('netns', 'add', this.name);
    ip('-n', this.name, 'link', 'set', 'lo', 'up');
  }

  /** Lets packets of others through. */
  forward(): void {
    this.set('ipv4/ip_forward', 1);
    this.set('ipv6/conf/all/forwarding', 1);
  }

  /** A setting of the network, by its path. */
  set(path: string, value: number): void {
    this.run('sh', '-c', `echo ${value} >/proc/sys/net/${path}`);
  }

  run(...command: string[]): string {
    const [program, ...args] = [...this.within, ...command];
    return execFileSync(program!, args, { encoding: 'utf8' });
  }

  /** Joins another network by a link: `10.7.N.1` and `fd07:N::1` here, with `2` at their ends there, which is led through here. */
  join(other: Network, n: number): void {
    const here = `v${n}`;
    ip('-n', this.name, 'link', 'add', here, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', other.name);
    for (const [net, device, end] of [
      [this.name, here, 1],
      [other.name, 'eth0', 2],
    ] as const) {
      ip('-n', net, 'address', 'add', `10.7.${n}.${end}/24`, 'dev', device);
      ip('-n', net, 'address', 'add', `fd07:${n}::${end}/64`, 'dev', device, 'nodad');
      ip('-n', net, 'link', 'set', device, 'up');
    }
    ip('-n', other.name, 'route', 'add', 'default', 'via', `10.7.${n}.1`);
    ip('-n', other.name, '-6', 'route', 'add', 'default', 'via', `fd07:${n}::1`);
  }

  /** Joins others to one segment: `10.7.N.1` and `fd07:N::1` here, from `2` on there, which are led through here. */
  segment(n: number, ...others: readonly Network[]): void {
    const [bridge, here] = [`s${n}`, `10.7.${n}.1`];
    ip('-n', this.name, 'link', 'add', bridge, 'type', 'bridge');
    ip('-n', this.name, 'link', 'set', bridge, 'up');
    ip('-n', this.name, 'address', 'add', `${here}/24`, 'dev', bridge);
    ip('-n', this.name, 'address', 'add', `fd07:${n}::1/64`, 'dev', bridge, 'nodad');
    for (const [i, other] of others.entries()) {
      this.plug(n, i + 2, other, 'eth0');
      ip('-n', other.name, 'route', 'add', 'default', 'via', here);
      ip('-n', other.name, '-6', 'route', 'add', 'default', 'via', `fd07:${n}::1`);
    }
  }

  /** Gives another network a device on one of the segments here, with the addresses that end in `at`. */
  plug(n: number, at: number, { name }: Network, device: string): void {
    const port = `p${n}-${at}`;
    ip('-n', this.name, 'link', 'add', port, 'type', 'veth', 'peer', 'name', device, 'netns', name);
    ip('-n', this.name, 'link', 'set', port, 'master', `s${n}`, 'up');
    ip('-n', name, 'address', 'add', `10.7.${n}.${at}/24`, 'dev', device);
    ip('-n', name, 'address', 'add', `fd07:${n}::${at}/64`, 'dev', device, 'nodad');
    ip('-n', name, 'link', 'set', device, 'up');
  }

  /** Sends all that it knows no other way for to these. */
  leadTo(...addresses: readonly string[]): void {
    for (const address of addresses) ip('-n', this.name, 'route', 'add', 'default', 'via', address);
  }

  /** Serves a port, over TCP and UDP: says this name, and the address of who asks. */
  async serve(name: string, port: number): Promise<void> {
    await this.start(SERVER, name, String(port));
  }

  /** Runs a script of Node's, until the end or {@link stop}, and waits until it says that it is ready. */
  async start(script: string, ...words: readonly string[]): Promise<void> {
    const [program, ...args] = [...this.within, process.execPath, '-e', script, ...words];
    const server = startProgram(program!, args);
    this.#programs.push(server);
    await untilReady(server, async () => server.output().includes('ready'));
  }

  /** What a port answers to this network; an error's code where it refuses. */
  ask(host: string, port: number, kind: 'tcp' | 'udp' = 'tcp'): string {
    return this.run(process.execPath, '-e', CLIENT, kind, host, String(port));
  }

  async stop(): Promise<void> {
    await Promise.all(this.#programs.map((program) => program.stop('SIGKILL')));
    this.remove();
  }

  remove(): void {
    ip('netns', 'delete', this.name);
  }
}
