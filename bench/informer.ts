/**
 * How long an informer takes to have many pods, and how many events per second it handles.
 *
 *   npm run bench:informer -- https://127.0.0.1:6443 TOKEN [--pods N]
 *   npm run bench:informer -- KUBECONFIG [--pods N]
 *
 * Makes a namespace with the pods, and removes them.
 */
import { once } from 'node:events';
import { Readable } from 'node:stream';
import { parseArgs } from 'node:util';
import {
  Client,
  type ClusterConfig,
  connect,
  Informer,
  loadKubeconfig,
  systemWorld,
  type Transport,
} from '@keelson/client';
import { silentLogger } from '@keelson/component/logs/logger';

const { values: flags, positionals } = parseArgs({
  allowPositionals: true,
  options: { pods: { type: 'string', default: '10000' } },
});
const [where, token] = positionals;
const config: ClusterConfig =
  token === undefined
    ? await loadKubeconfig(where!)
    : {
        server: where!,
        namespace: 'default',
        tls: { insecureSkipVerify: true },
        token: { text: token },
        compression: false,
      };
const world = systemWorld({ ...silentLogger, warn: console.warn, error: console.error });
const client = connect(config, { component: 'bench', world });
const count = Number(flags.pods);
const namespace = `informer-${Date.now()}`;
const pods = client.resource('pods');

const report = (what: string, value: number, unit: string) =>
  console.log(`  ${what.padEnd(52)}${Number(value.toPrecision(3)).toLocaleString('en').padStart(10)} ${unit}`);

/** Runs `step` for 0 … n-1, 32 at a time. */
async function each(n: number, step: (i: number) => Promise<unknown>): Promise<void> {
  let next = 0;
  const work = async () => {
    while (next < n) await step(next++);
  };
  await Promise.all(Array.from({ length: 32 }, work));
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 1));
}

const environment = Array.from({ length: 40 }, (_, i) => ({ name: `VARIABLE_${i}`, value: 'x'.repeat(40) }));
await client.resource('namespaces').create({ metadata: { name: namespace } });
await client
  .resource('serviceaccounts')
  .create({ metadata: { namespace, name: 'default' } })
  .catch(() => {});
await each(count, (i) =>
  pods.create({
    metadata: { namespace, name: `pod-${i}`, labels: { app: `app-${i % 100}` } },
    spec: { containers: [{ name: 'c', image: 'registry.example/image:1', env: environment }] },
  }),
);

for (const streaming of [true, false]) {
  for (let round = 0; round < 2; round++) {
    const begun = performance.now();
    const informer = new Informer(pods, world, { namespace, streaming });
    informer.start();
    await informer.synced;
    const how = streaming ? 'streaming list' : 'list at revision 0';
    report(`${count} pods in the copy (${how})`, performance.now() - begun, 'ms');
    if (informer.store.size !== count) throw new Error(`${informer.store.size} pods`);
    await informer.stop();
  }
}

const { items } = await pods.list({ namespace, limit: 1000, resourceVersion: '0' });
await each(count, (i) => pods.delete({ namespace, name: `pod-${i}` }, { gracePeriodSeconds: 0 }));
await client.resource('namespaces').delete({ name: namespace });
client.close();

// How fast events are handled when the server is no limit: they are handed over encoded, without a socket.
const encoded = items.slice(0, 1000).map((object) => {
  object.metadata.resourceVersion = '<revision>';
  return JSON.stringify({ type: 'MODIFIED', object })
    .split('<revision>')
    .map((part) => Buffer.from(part));
});
async function* events(signal: AbortSignal): AsyncGenerator<Uint8Array> {
  for (let i = 0; i < count; i++) {
    const [before, after] = encoded[i % encoded.length]!;
    yield Buffer.concat([before!, Buffer.from(String(i + 2)), after!, Buffer.from('\n')]);
  }
  await once(signal, 'abort');
}
const canned: Transport = {
  async send({ path, signal }) {
    const list = { kind: 'PodList', apiVersion: 'v1', metadata: { resourceVersion: '1' }, items: [] };
    const listing = !path.includes('watch=true');
    const body = listing ? [Buffer.from(JSON.stringify(list))] : events(signal!);
    return { status: 200, headers: {}, body: Readable.from(body) };
  },
  close: () => {},
};
const local = new Client({ transport: canned, component: 'bench', world });
let seen = 0;
const informer = new Informer(local.resource('pods'), world, { streaming: false });
informer.addHandler({ added: () => void seen++, updated: () => void seen++ });
const begun = performance.now();
informer.start();
await until(() => seen >= count);
report(
  `events of ${(Buffer.concat(encoded[0]!).length / 1024).toFixed(1)} KiB handled`,
  (count / (performance.now() - begun)) * 1000,
  '/s',
);
await informer.stop();
