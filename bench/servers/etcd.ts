import type { ChildProcess } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePort, launch } from './server.ts';

export interface EtcdOptions {
  readonly binary: string;
  /** False: `--unsafe-no-fsync`, and a write is not on disk when it is answered. */
  readonly fsync: boolean;
}

/** An etcd of one member. Resolves when it answers. */
export async function startEtcd(
  { binary, fsync }: EtcdOptions,
  directory: string,
): Promise<{ child: ChildProcess; endpoint: string }> {
  const endpoint = `http://127.0.0.1:${await freePort()}`;
  const peer = `http://127.0.0.1:${await freePort()}`;
  const log = join(directory, 'etcd.log');
  const child = launch(
    binary,
    [
      ...['--data-dir', join(directory, 'etcd'), '--listen-client-urls', endpoint, '--advertise-client-urls', endpoint],
      ...['--listen-peer-urls', peer, '--initial-advertise-peer-urls', peer, '--initial-cluster', `default=${peer}`],
      ...['--quota-backend-bytes', String(8 * 2 ** 30), ...(fsync ? [] : ['--unsafe-no-fsync'])],
    ],
    log,
  );
  const end = performance.now() + 30_000;
  while (performance.now() < end && child.exitCode === null) {
    const healthy = await fetch(`${endpoint}/health`).then(
      (answer) => answer.ok,
      () => false,
    );
    if (healthy) return { child, endpoint };
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  child.kill('SIGKILL');
  throw new Error(`etcd did not get ready:\n${readFileSync(log, 'utf8').slice(-2000)}`);
}
