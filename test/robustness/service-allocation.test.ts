/**
 * Two API servers on one etcd: no address and no port goes to two services, whoever is asked and whoever starts
 * meanwhile; what the records have lost is found again at a start.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type ApiClient, apiClient } from '../support/api-client.ts';
import { type ApiServer, startApiServer } from '../support/api-server.ts';
import { type Etcd, startEtcd } from '../support/etcd.ts';
import { missing } from '../support/tools.ts';

const SERVICES = 60;
/** As many addresses and ports as there are services, or hardly more: servers have to fight for them. */
const FLAGS = ['--service-cluster-ip-range=10.0.0.0/25', '--service-node-port-range=30000-30069'];

interface Service {
  readonly metadata: { readonly name: string };
  readonly spec: { readonly clusterIP: string; readonly ports: { readonly nodePort: number }[] };
}

const reason = missing('etcd');

describe.skipIf(reason !== undefined)(`two API servers on one etcd${reason ? ` (skipped: ${reason})` : ''}`, () => {
  let etcd: Etcd;
  let servers: ApiServer[];
  let clients: ApiClient[];
  const start = () => startApiServer('etcd', FLAGS, etcd);
  const clientOf = ({ url, token }: ApiServer) => apiClient(url, token);

  beforeAll(async () => {
    etcd = await startEtcd();
    servers = [await start()];
    servers.push(await start());
    clients = servers.map(clientOf);
  }, 60_000);
  afterAll(async () => {
    for (const client of clients ?? []) client.close();
    for (const server of servers ?? []) await server.stop();
    await etcd?.stop();
  });

  const path = '/api/v1/namespaces/default/services';
  const create = (client: ApiClient, name: string) =>
    client.send('POST', path, { metadata: { name }, spec: { type: 'NodePort', ports: [{ port: 80 }] } });

  async function services(): Promise<Service[]> {
    const { items } = JSON.parse((await clients[0]!.send('GET', path)).body) as { items: Service[] };
    return items.filter(({ metadata }) => metadata.name !== 'kubernetes');
  }

  async function expectNoneTwice(): Promise<void> {
    const all = await services();
    const addresses = all.map(({ spec }) => spec.clusterIP);
    const ports = all.flatMap(({ spec }) => spec.ports.map(({ nodePort }) => nodePort));
    expect(addresses.filter((x, i) => addresses.indexOf(x) !== i)).toEqual([]);
    expect(ports.filter((x, i) => ports.indexOf(x) !== i)).toEqual([]);
  }

  test('fight for the last addresses and ports', async () => {
    const answers = await Promise.all(
      Array.from({ length: SERVICES }, (_, i) => create(clients[i % 2]!, `s${String(i).padStart(2, '0')}`)),
    );
    expect(answers.filter(({ status }) => status !== 201)).toEqual([]);
    expect(await services()).toHaveLength(SERVICES);
    await expectNoneTwice();
  }, 60_000);

  test('give back what is deleted, once', async () => {
    const all = await services();
    await Promise.all(all.slice(0, 30).map((s, i) => clients[i % 2]!.send('DELETE', `${path}/${s.metadata.name}`)));
    const answers = await Promise.all(Array.from({ length: 30 }, (_, i) => create(clients[(i + 1) % 2]!, `t${i}`)));
    expect(answers.filter(({ status }) => status !== 201)).toEqual([]);
    await expectNoneTwice();
  }, 60_000);

  /** Of services that one worker makes: what goes on for ever may keep a slow machine from starting anything. */
  const MOST = 60;
  test('take nothing from services that are being made while a third one starts', async () => {
    let started = false;
    const starting = start().finally(() => {
      started = true;
    });
    const worker = async (_: unknown, i: number): Promise<void> => {
      for (let n = 0; !started && n < MOST; n++) {
        const name = `w${i}-${n}`;
        const made = await create(clients[i % 2]!, name);
        // What is there only for a moment is not what is looked for, but it makes place.
        if (made.status === 201 && n % 3 > 0) await clients[(i + 1) % 2]!.send('DELETE', `${path}/${name}`);
        await expectNoneTwice();
      }
    };
    await Promise.all(Array.from({ length: 8 }, worker));
    await (await starting).stop();
    await expectNoneTwice();
  }, 60_000);

  test('find at a start what the records have lost', async () => {
    const [one] = await services();
    const { clusterIP, ports } = one!.spec;
    for (const key of ['/registry/ranges/servicenodeports', `/registry/ipaddresses/${clusterIP}`])
      await fetch(`${etcd.url}/v3/kv/deleterange`, { method: 'POST', body: JSON.stringify({ key: btoa(key) }) });
    const third = await start();
    const client = clientOf(third);
    try {
      const wanted = { type: 'NodePort', clusterIP, ports: [{ port: 80, nodePort: ports[0]!.nodePort }] };
      const ofAddress = { metadata: { name: 'address' }, spec: { ...wanted, ports: [{ port: 80 }] } };
      const ofPort = { metadata: { name: 'port' }, spec: { ...wanted, clusterIP: undefined } };
      expect((await client.send('POST', path, ofAddress)).body).toContain('provided IP is already allocated');
      expect((await client.send('POST', path, ofPort)).body).toContain('provided port is already allocated');
    } finally {
      client.close();
      await third.stop();
    }
  }, 60_000);
});
