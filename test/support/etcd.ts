import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort, startProgram, untilReady } from './process.ts';
import { tool } from './tools.ts';

/** An etcd of one member with nothing in it, gone when stopped. */
export async function startEtcd(): Promise<{ url: string; stop(): Promise<void> }> {
  const directory = await mkdtemp(join(tmpdir(), 'keelson-etcd-'));
  const [client, peer] = [await freePort(), await freePort()];
  const url = `http://127.0.0.1:${client}`;
  const urls = { client: url, peer: `http://127.0.0.1:${peer}` };
  const program = startProgram(tool('etcd'), [
    `--data-dir=${directory}`,
    `--listen-client-urls=${urls.client}`,
    `--advertise-client-urls=${urls.client}`,
    `--listen-peer-urls=${urls.peer}`,
    `--initial-advertise-peer-urls=${urls.peer}`,
    `--initial-cluster=default=${urls.peer}`,
    '--unsafe-no-fsync',
    '--log-level=error',
  ]);
  await untilReady(program, async () => (await fetch(`${url}/health`)).ok);
  return {
    url,
    stop: async () => {
      await program.stop('SIGKILL');
      await rm(directory, { recursive: true });
    },
  };
}
