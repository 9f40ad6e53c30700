import { once } from 'node:events';
import { globSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import http from 'node:http';
import https from 'node:https';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { agentOf, type EtcdTls } from './etcd-tls.ts';
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
  /** Asks its gateway: `/v3/maintenance/status`. @throws Error when it does not answer with success */
  ask<T>(path: string, body?: object): Promise<T>;
  stop(): Promise<void>;
}

export interface EtcdOptions {
  /** Mutual TLS with clients and among members. */
  readonly tls?: EtcdTls;
  /** More flags. */
  readonly args?: readonly string[];
}

/** An etcd of one member with nothing in it, gone when stopped. */
export async function startEtcd(options: EtcdOptions = {}): Promise<Etcd> {
  const [etcd] = await startCluster(1, options);
  return etcd!;
}

/** An etcd cluster with nothing in it. */
export async function startCluster(size: number, options: EtcdOptions = {}): Promise<Etcd[]> {
  const { tls, args = [] } = options;
  const scheme = tls ? 'https' : 'http';
  const agent = tls && (await agentOf(tls));
  const directory = await mkdtemp(join(tmpdir(), 'keelson-etcd-'));
  const members: Member[] = [];
  for (let i = 0; i < size; i++) {
    const [client, peer] = [await freePort(), await freePort()];
    members.push({
      name: `member-${i}`,
      port: client,
      url: `${scheme}://127.0.0.1:${client}`,
      peer: `${scheme}://127.0.0.1:${peer}`,
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
          ...(tls?.flags ?? []),
          ...args,
        ]);
        await untilReady(program, () => serves(member));
      },
      async kill() {
        await program?.stop('SIGKILL');
      },
      pause: () => stopThreads(program!.pid),
      resume: () => process.kill(program!.pid, 'SIGCONT'),
      ask: (path, body = {}) => ask(new URL(path, member.url), body, agent),
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

/** The one that the others follow. */
export async function leaderOf(members: readonly Etcd[]): Promise<Etcd> {
  for (;;) {
    for (const member of members) {
      type Status = { readonly leader?: string; readonly header: { readonly member_id: string } };
      const status = await member.ask<Status>('/v3/maintenance/status').catch(() => undefined);
      if (status?.leader === status?.header.member_id && status !== undefined) return member;
    }
    await sleep(50);
  }
}

function ask<T>(url: URL, body: object, agent: https.Agent | undefined): Promise<T> {
  return new Promise((resolve, reject) => {
    const { request } = url.protocol === 'https:' ? https : http;
    const sent = request(url, { method: 'POST', ...(agent && { agent }), timeout: 10_000 }, async (response) => {
      const answer = await text(response).catch((error: Error) => error.message);
      if (response.statusCode === 200) resolve(JSON.parse(answer) as T);
      else reject(new Error(`${response.statusCode}: ${answer}`));
    });
    sent.on('timeout', () => sent.destroy(new Error('timeout')));
    sent.on('error', reject);
    sent.end(JSON.stringify(body));
  });
}

async function serves({ url, port }: Member): Promise<boolean> {
  if (url.startsWith('http:')) return (await fetch(`${url}/health`)).ok;
  // It may ask for a certificate, so an open port has to do.
  const socket = connect(port, '127.0.0.1');
  await once(socket, 'connect');
  socket.destroy();
  return true;
}

/** A process that was told to stop still runs on the other processors for a moment, which is enough to answer a call. */
function stopThreads(pid: number): void {
  process.kill(pid, 'SIGSTOP');
  const states = () => globSync(`/proc/${pid}/task/*/stat`).map((path) => readFileSync(path, 'utf8'));
  while (!states().every((state) => /\) T /.test(state)));
}
