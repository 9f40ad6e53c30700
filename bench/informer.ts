/**
 * How long an informer takes to have many pods, and how many events it handles per second.
 *
 *   npm run bench:informer -- https://127.0.0.1:6443 TOKEN [--pods N]
 *   npm run bench:informer -- KUBECONFIG [--pods N]
 *
 * Makes a namespace with the pods, and removes them. The server must run without the ServiceAccount admission plugin or have one.
 */
import { parseArgs } from 'node:util';
import { type ClusterConfig, connect, Informer, loadKubeconfig, silent, systemWorld } from '@keelson/client';

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
const world = systemWorld({ ...silent, warn: console.warn, error: console.error });
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
    let begun = performance.now();
    const informer = new Informer(pods, world, { namespace, streaming });
    informer.start();
    await informer.synced;
    const how = streaming ? 'streaming list' : 'list at revision 0';
    report(`${count} pods in the copy (${how})`, performance.now() - begun, 'ms');
    if (informer.store.size !== count) throw new Error(`${informer.store.size} pods`);
    if (round === 1) {
      let seen = 0;
      informer.addHandler({ updated: () => void seen++ });
      begun = performance.now();
      await each(count, (i) =>
        pods.patch({ namespace, name: `pod-${i}` }, 'merge', { metadata: { annotations: { n: `${streaming}` } } }),
      );
      await until(() => seen >= count);
      report('events handled, as fast as one process writes them', (count / (performance.now() - begun)) * 1000, '/s');
    }
    await informer.stop();
  }
}

// Many events at once: a watch that begins in the past.
const { metadata } = await pods.list({ namespace, limit: 1 });
await each(count, (i) => pods.delete({ namespace, name: `pod-${i}` }, { gracePeriodSeconds: 0 }));
const begun = performance.now();
let events = 0;
for await (const { type } of pods.watch({ namespace, resourceVersion: metadata.resourceVersion })) {
  if (type === 'DELETED') events += 1;
  if (events === count) break;
}
report('events read from the past', (count / (performance.now() - begun)) * 1000, '/s');
await client.resource('namespaces').delete({ name: namespace });
client.close();
