import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type ApiServer, startApiServer } from '../support/api-server.ts';
import { type Answer, type H2Client, h2Client } from '../support/h2-client.ts';
import { startLoad } from '../support/load.ts';

const OBJECTS = 500;
const PAYLOAD = 'x'.repeat(2000);
/** How many requests the modest clients send, one after the other. */
const REQUESTS = 30;

let root: string;
let server: ApiServer;
const clients: H2Client[] = [];

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'keelson-fairness-'));
  await writeFile(
    join(root, 'tokens.csv'),
    'admin,admin,1,system:masters\ngreedy,greedy,2,devs\nmodest,modest,3,devs\nnode,system:node:n,4,system:nodes\n',
  );
  server = await startApiServer('memory', [`--token-auth-file=${join(root, 'tokens.csv')}`]);
  const admin = clientOf('admin');
  const allowed = await admin('POST', '/apis/rbac.authorization.k8s.io/v1/clusterrolebindings', {
    metadata: { name: 'devs' },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'cluster-admin' },
    subjects: [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'Group', name: 'devs' }],
  });
  expect(allowed.status).toBe(201);
  for (let i = 0; i < OBJECTS; i += 50) {
    const batch = Array.from({ length: 50 }, (_, j) => ({ metadata: { name: `c-${i + j}` }, data: { PAYLOAD } }));
    const answers = await Promise.all(batch.map((c) => admin('POST', '/api/v1/namespaces/default/configmaps', c)));
    expect(answers.every(({ status }) => status === 201)).toBe(true);
  }
}, 60_000);
afterAll(async () => {
  for (const client of clients) client.close();
  await server.stop();
  await rm(root, { recursive: true });
});

function clientOf(token: string): H2Client['request'] {
  const client = h2Client(server.url, token);
  clients.push(client);
  return client.request;
}

/** One request after the other. */
async function again(send: () => Promise<Answer>): Promise<Answer[]> {
  const answers: Answer[] = [];
  while (answers.length < REQUESTS) answers.push(await send());
  return answers;
}

const median = (answers: readonly Answer[]) => answers.map(({ ms }) => ms).sort((a, b) => a - b)[answers.length >> 1]!;

describe('under a client that lists everything all the time', () => {
  test("neither another client's requests nor the leases of nodes suffer", async () => {
    const lease = (renewTime: string) => ({
      metadata: { name: 'n', namespace: 'kube-node-lease' },
      spec: { renewTime },
    });
    const leases = '/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases';
    const node = clientOf('node');
    expect((await node('POST', leases, lease('2026-01-01T00:00:00.000000Z'))).status).toBe(201);

    const endLoad = await startLoad({
      url: server.url,
      token: 'greedy',
      path: '/api/v1/configmaps',
      connections: 4,
      inFlight: 400,
    });
    const modest = clientOf('modest');
    const [gets, renewals] = await Promise.all([
      again(() => modest('GET', '/api/v1/namespaces/default/configmaps/c-1')),
      again(() => node('PATCH', `${leases}/n`, lease(`${new Date().toISOString().slice(0, -1)}000Z`))),
    ]);
    const lists = await endLoad();

    expect(new Set(gets.map(({ status }) => status))).toEqual(new Set([200]));
    expect(new Set(renewals.map(({ status }) => status))).toEqual(new Set([200]));
    const listed = median(lists.filter(({ status }) => status === 200));
    expect(median(gets)).toBeLessThan(listed / 2);
    expect(median(renewals)).toBeLessThan(listed / 4);

    const refused = lists.filter(({ status }) => status === 429);
    expect(refused.length).toBeGreaterThan(0);
    expect(refused[0]!.body).toBe('Too many requests, please try again later.\n');
    expect(Number(refused[0]!.retryAfter)).toBeGreaterThanOrEqual(1);
    expect(lists.every(({ status }) => status === 200 || status === 429)).toBe(true);
  }, 60_000);
});
