/** Machines of a test that are on one network: each with a network of its own, and a folder in place of its root. */
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { outputOf, type Program, startProgram } from './process.ts';
import { fetched } from './tools.ts';

export interface Host {
  readonly name: string;
  readonly address: string;
  /** Stands for `/`, short: sockets are below it. */
  readonly root: string;
  /** Its network, as `ip netns` has it. */
  readonly namespace: string;
  /** A command that runs another in its network. */
  readonly within: readonly string[];
  /** Runs a program in its network. */
  start(command: string, args: readonly string[]): Program;
  /** The same, to its end. @returns what it wrote. @throws Error with that when it fails */
  run(command: string, args: readonly string[]): Promise<string>;
}

export interface Hosts {
  readonly all: readonly Host[];
  /** An address beside theirs, which leads to one of them from now on. */
  lend(address: string, host: Host): void;
  /** Cuts it off from the others. */
  unplug(host: Host): void;
  /** Leaves nothing of them; what runs there has ended. */
  stop(): Promise<void>;
}

/** With the programs that were fetched. */
const PATH = `${fetched('usr/bin')}:${process.env.PATH}`;

/** Why there can be no such machines here; undefined when there can. */
export function noHosts(): string | undefined {
  if (process.getuid?.() !== 0) return 'networks of their own are made by root alone';
  return ip('netns', 'list') === undefined ? 'networks of their own cannot be made here' : undefined;
}

export function ip(...args: string[]): string | undefined {
  try {
    return execFileSync('ip', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
  } catch {
    return undefined;
  }
}

/** How programs are run somewhere. @param within a command that runs another there */
export function runners(within: readonly string[]): Pick<Host, 'within' | 'start' | 'run'> {
  const start: Host['start'] = (command, args) =>
    startProgram(within[0]!, [...within.slice(1), command, ...args], { env: { PATH } });
  return { within, start, run: (command, args) => outputOf(start(command, args), `${command} ${args.join(' ')}`) };
}

/** @param names of the machines, whose addresses are 10.120.0.10 and on */
export async function startHosts(names: readonly string[]): Promise<Hosts> {
  const undo: (() => unknown)[] = [];
  const stop = async () => {
    for (const each of undo.reverse()) await each();
  };
  try {
    const bridge = `km${randomBytes(2).toString('hex')}`;
    require(ip('netns', 'add', bridge), 'a network');
    undo.push(() => ip('netns', 'delete', bridge));
    ip('-n', bridge, 'link', 'add', 'br0', 'type', 'bridge');
    ip('-n', bridge, 'link', 'set', 'br0', 'up');
    const all: Host[] = [];
    for (const [i, name] of names.entries()) {
      const root = await mkdtemp(join(tmpdir(), 'km-'));
      undo.push(() => rm(root, { recursive: true, force: true }));
      const namespace = `${bridge}-${i}`;
      const address = `10.120.0.${10 + i}`;
      connect(namespace, `${address}/24`, bridge, `m${i}`);
      undo.push(() => ip('netns', 'delete', namespace));
      await mkdir(join(root, 'run'));
      all.push({ name, address, root, namespace, ...runners(['nsenter', `--net=/run/netns/${namespace}`, '--']) });
    }
    const lend: Hosts['lend'] = (address, host) => {
      for (const { namespace } of all) {
        ip('-n', namespace, 'address', 'delete', `${address}/32`, 'dev', 'eth0');
        ip('-n', namespace, 'neighbour', 'flush', 'all');
      }
      require(ip('-n', host.namespace, 'address', 'add', `${address}/32`, 'dev', 'eth0'), 'an address');
    };
    const unplug: Hosts['unplug'] = ({ namespace }) => void ip('-n', namespace, 'link', 'set', 'eth0', 'down');
    return { all, lend, unplug, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

function connect(namespace: string, address: string, bridge: string, port: string): void {
  require(ip('netns', 'add', namespace), 'a network');
  ip('-n', bridge, 'link', 'add', port, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', namespace);
  ip('-n', bridge, 'link', 'set', port, 'master', 'br0', 'up');
  ip('-n', namespace, 'address', 'add', address, 'dev', 'eth0');
  ip('-n', namespace, 'link', 'set', 'lo', 'up');
  ip('-n', namespace, 'link', 'set', 'eth0', 'up');
  require(ip('-n', namespace, 'route', 'add', 'default', 'via', '10.120.0.1'), 'a route');
}

function require(done: string | undefined, what: string): void {
  if (done === undefined) throw new Error(`there is no way to make ${what} here`);
}
