/**
 * A cluster on real containers for upstream's end-to-end suite: `node cluster.ts DIRECTORY AGNHOST [keelson up's flags]`.
 * DIRECTORY has a short path and keeps nothing from one run to the next. Ends at SIGINT or SIGTERM.
 */
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { importImages, startContainerd, unmountBelow } from '../../support/containerd.ts';
import { freePort, startProgram, untilReady } from '../../support/process.ts';
import { suiteImages } from './images.ts';

const [directory, agnhost, ...flags] = process.argv.slice(2);
if (directory === undefined || agnhost === undefined) throw new Error('usage: cluster.ts DIRECTORY AGNHOST [FLAGS]');

const root = join(import.meta.dirname, '../../..');
unmountBelow(directory);
rmSync(directory, { recursive: true, force: true });
mkdirSync(join(directory, 'cri'), { recursive: true });
const containerd = await startContainerd(join(directory, 'cri'));
const tar = suiteImages(join(directory, 'images'), agnhost);
importImages(containerd.endpoint.replace('unix://', ''), tar);

const port = await freePort();
const kubeconfig = join(directory, 'kubeconfig');
const keelson = startProgram(process.execPath, [
  '--conditions=keelson-source',
  join(root, 'packages/cluster/src/bin/keelson.ts'),
  'up',
  `--data-dir=${join(directory, 'data')}`,
  `--kubeconfig=${kubeconfig}`,
  '--bind-address=0.0.0.0',
  `--secure-port=${port}`,
  `--container-runtime-endpoint=${containerd.endpoint}`,
  ...flags,
]);
const log = setInterval(() => writeFileSync(join(directory, 'keelson.log'), keelson.output()), 1_000);
await untilReady(keelson, async () => keelson.output().includes('Keelson is ready'));
const undo = serviceOfApiServer(port);
process.stdout.write(`${keelson.output()}ready: ${kubeconfig}\n`);

await Promise.race([once(process, 'SIGINT'), once(process, 'SIGTERM'), keelson.exited]);
undo();
await keelson.stop();
clearInterval(log);
writeFileSync(join(directory, 'keelson.log'), keelson.output());
await containerd.stop();
unmountBelow(directory);

/** What kube-proxy does for the one service that every pod knows. @returns what takes it back */
function serviceOfApiServer(port: number): () => void {
  const own = Object.values(networkInterfaces())
    .flatMap((list) => list ?? [])
    .find(({ internal, family }) => !internal && family === 'IPv4')!.address;
  const rule = ['-d', '10.96.0.1', '-p', 'tcp', '--dport', '443', '-j', 'DNAT', '--to-destination', `${own}:${port}`];
  const iptables = (action: string) => {
    for (const chain of ['PREROUTING', 'OUTPUT']) execFileSync('iptables', ['-w', '-t', 'nat', action, chain, ...rule]);
  };
  iptables('-A');
  return () => iptables('-D');
}
