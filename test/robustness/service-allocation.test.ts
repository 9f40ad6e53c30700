/**
 * Two API servers on one etcd: no address and no port goes to two services, whoever is asked and whoever starts
 * meanwhile; what the records have lost is found again at a start.
 */
import https from 'node:https';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
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
const agent = new https.Agent({ keepAlive: true, rejectUnauthorized: false });

describe.skipIf(reason !== undefined)(`two API servers on one etcd${reason ? ` (skipped: ${reason})` : ''}`, () => {
  let etcd: Etcd;
  let servers: ApiServer[];
  const start = () => startApiServer('etcd', FLAGS, etcd);

  beforeAll(async () => {
    etcd = await startEtcd();
    servers = [await start()];
    servers.push(await start());
  }, 60_000);
  afterAll(async () => {
    agent.destroy();
    for (const server of servers ?? []) await server.stop();
    await etcd?.stop();
  });

  function send<T>(
    server: ApiServer,
    method: string,
    path: string,
    body?: object,
  ): Promise<{ status: number; body: T }> {
    const bytes = body && Buffer.from(JSON.stringify(body));
    return new Promise((resolve, reject) => {
      const headers = {
        authorization: `Bearer ${server.token}`,
        ...(bytes && { 'content-type': 'application/json', 'content-length': bytes.length }),
      };
      const request = https.request(new URL(path, server.url), { method, agent, headers }, (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('end', () =>
          resolve({ status: response.statusCode!, body: JSON.parse(Buffer.concat(chunks).toString()) as T }),
        );
      });
      request.on('error', reject);
      request.end(bytes);
    });
  }

  const path = '/api/v1/namespaces/default/services';
  const create = (server: ApiServer, name: string) =>
    send<Service>(server, 'POST', path, { metadata: { name }, spec: { type: 'NodePort', ports: [{ port: 80 }] } });

  async function services(): Promise<Service[]> {
    const { body } = await send<{ items: Service[] }>(servers[0]!, 'GET', path);
    return body.items.filter(({ metadata }) => metadata.name !== 'kubernetes');
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
      Array.from({ length: SERVICES }, (_, i) => create(servers[i % 2]!, `s${String(i).padStart(2, '0')}`)),
    );
    expect(answers.filter(({ status }) => status !== 201)).toEqual([]);
    expect(await services()).toHaveLength(SERVICES);
    await expectNoneTwice();
  }, 60_000);

  test('give back what is deleted, once', async () => {
    const all = await services();
    await Promise.all(all.slice(0, 30).map((s, i) => send(servers[i % 2]!, 'DELETE', `${path}/${s.metadata.name}`)));
    const answers = await Promise.all(Array.from({ length: 30 }, (_, i) => create(servers[(i + 1) % 2]!, `t${i}`)));
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
        const made = await create(servers[i % 2]!, name);
        // What is there only for a moment is not what is looked for, but it makes place.
        if (made.status === 201 && n % 3 > 0) await send(servers[(i + 1) % 2]!, 'DELETE', `${path}/${name}`);
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
    try {
      const wanted = { type: 'NodePort', clusterIP, ports: [{ port: 80, nodePort: ports[0]!.nodePort }] };
      const ofAddress = { metadata: { name: 'address' }, spec: { ...wanted, ports: [{ port: 80 }] } };
      const ofPort = { metadata: { name: 'port' }, spec: { ...wanted, clusterIP: undefined } };
      expect((await send<{ message: string }>(third, 'POST', path, ofAddress)).body.message).toContain(
        'provided IP is already allocated',
      );
      expect((await send<{ message: string }>(third, 'POST', path, ofPort)).body.message).toContain(
        'provided port is already allocated',
      );
    } finally {
      await third.stop();
    }
  }, 60_000);
});
