import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort, type Program, startProgram, untilReady } from './process.ts';
import { tool } from './tools.ts';

export interface Etcd {
  readonly url: string;
  /** SIGKILL; the data stay. */
  kill(): Promise<void>;
  /** Starts it again on its data. */
  restart(): Promise<void>;
  /** Makes it hang, its connections open. */
  pause(): void;
  resume(): void;
  stop(): Promise<void>;
}

export interface EtcdOptions {
  readonly scheme?: 'http' | 'https';
  /** More flags, such as those for TLS. */
  readonly args?: readonly string[];
}

/** An etcd of one member with nothing in it, gone when stopped. */
export async function startEtcd(options: EtcdOptions = {}): Promise<Etcd> {
  const [etcd] = await startCluster(1, options);
  return etcd!;
}

/** An etcd cluster with nothing in it. */
export async function startCluster(size: number, { scheme = 'http', args = [] }: EtcdOptions = {}): Promise<Etcd[]> {
  const directory = await mkdtemp(join(tmpdir(), 'keelson-etcd-'));
  const members: Member[] = [];
  for (let i = 0; i < size; i++) {
    const [client, peer] = [await freePort(), await freePort()];
    members.push({
      name: `member-${i}`,
      port: client,
      url: `${scheme}://127.0.0.1:${client}`,
      peer: `http://127.0.0.1:${peer}`,
    });
  }
  const cluster = members.map(({ name, peer }) => `${name}=${peer}`).join(',');
  let running = size;
  const etcds = members.map((member) => {
    let program: Program | undefined;
    const etcd: Etcd = {
      url: member.url,
      async restart() {
        program = startProgram(tool('etcd'), [
          `--name=${member.name}`,
          `--data-dir=${join(directory, member.name)}`,
          `--listen-client-urls=${member.url}`,
          `--advertise-client-urls=${member.url}`,
          `--listen-peer-urls=${member.peer}`,
          `--initial-advertise-peer-urls=${member.peer}`,
          `--initial-cluster=${cluster}`,
          '--unsafe-no-fsync',
          '--log-level=error',
          ...args,
        ]);
        await untilReady(program, () => serves(member));
      },
      async kill() {
        await program?.stop('SIGKILL');
      },
      pause: () => process.kill(program!.pid, 'SIGSTOP'),
      resume: () => process.kill(program!.pid, 'SIGCONT'),
      async stop() {
        await program?.stop('SIGKILL');
        if (--running === 0) await rm(directory, { recursive: true });
      },
    };
    return etcd;
  });
  await Promise.all(etcds.map((etcd) => etcd.restart()));
  return etcds;
}

interface Member {
  readonly name: string;
  readonly port: number;
  readonly url: string;
  readonly peer: string;
}

async function serves({ url, port }: Member): Promise<boolean> {
  if (url.startsWith('http:')) return (await fetch(`${url}/health`)).ok;
  // It may ask for a certificate, so an open port has to do.
  const socket = connect(port, '127.0.0.1');
  await once(socket, 'connect');
  socket.destroy();
  return true;
}
