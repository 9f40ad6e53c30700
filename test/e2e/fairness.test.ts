import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { type ClientHttp2Session, connect } from 'node:http2';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type ApiServer, startApiServer } from '../support/api-server.ts';

const OBJECTS = 500;
const PAYLOAD = 'x'.repeat(2000);
const SECONDS = 4;

let root: string;
let server: ApiServer;
const sessions: ClientHttp2Session[] = [];

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
  for (const session of sessions) session.destroy();
  await server.stop();
  await rm(root, { recursive: true });
});

interface Answer {
  readonly status: number;
  readonly retryAfter: string | undefined;
  /** Of what is no success. */
  readonly body: string;
  readonly ms: number;
}

/** A client with a connection of its own. */
function clientOf(token: string): (method: string, path: string, body?: object) => Promise<Answer> {
  // Windows as large as those of clients in Go.
  const session = connect(server.url, { rejectUnauthorized: false, settings: { initialWindowSize: 4 * 1024 * 1024 } });
  session.on('connect', () => session.setLocalWindowSize(256 * 1024 * 1024));
  session.on('error', () => {});
  sessions.push(session);
  return (method, path, body) =>
    new Promise((resolve, reject) => {
      const startedAt = performance.now();
      const stream = session.request({
        ':method': method,
        ':path': path,
        authorization: `Bearer ${token}`,
        'content-type': method === 'PATCH' ? 'application/merge-patch+json' : 'application/json',
      });
      let status = 0;
      let retryAfter: string | undefined;
      const chunks: Buffer[] = [];
      stream.on('response', (headers) => {
        status = Number(headers[':status']);
        retryAfter = headers['retry-after'] as string | undefined;
      });
      stream.on('data', (chunk: Buffer) => {
        if (status !== 200) chunks.push(chunk);
      });
      stream.on('end', () => {
        const body = Buffer.concat(chunks).toString('utf8');
        resolve({ status, retryAfter, body, ms: performance.now() - startedAt });
      });
      stream.on('error', reject);
      stream.end(body === undefined ? undefined : JSON.stringify(body));
    });
}

/** One request after the other, until the time is over. Waits a little when it is refused, not as long as it is told. */
async function again(until: number, send: () => Promise<Answer>): Promise<Answer[]> {
  const answers: Answer[] = [];
  while (performance.now() < until) {
    const answer = await send();
    answers.push(answer);
    if (answer.status === 429) await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return answers;
}

const worst = (answers: readonly Answer[]) => Math.max(...answers.map(({ ms }) => ms));

describe('under a client that lists everything all the time', () => {
  test("neither another client's requests nor the leases of nodes suffer", async () => {
    const lease = (renewTime: string) => ({
      metadata: { name: 'n', namespace: 'kube-node-lease' },
      spec: { renewTime },
    });
    const leases = '/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases';
    const node = clientOf('node');
    expect((await node('POST', leases, lease('2026-01-01T00:00:00.000000Z'))).status).toBe(201);

    const until = performance.now() + SECONDS * 1000;
    const greedy = Array.from({ length: 4 }, () => clientOf('greedy'));
    const load = Promise.all(
      Array.from({ length: 400 }, (_, i) =>
        again(until, () => greedy[i % greedy.length]!('GET', '/api/v1/configmaps')),
      ),
    );
    const modest = clientOf('modest');
    const [gets, renewals] = await Promise.all([
      again(until, () => modest('GET', '/api/v1/namespaces/default/configmaps/c-1')),
      again(until, () => node('PATCH', `${leases}/n`, lease(`${new Date().toISOString().slice(0, -1)}000Z`))),
    ]);
    const lists = (await load).flat();

    expect(new Set(gets.map(({ status }) => status))).toEqual(new Set([200]));
    expect(new Set(renewals.map(({ status }) => status))).toEqual(new Set([200]));
    expect(worst(gets)).toBeLessThan(2000);
    expect(worst(renewals)).toBeLessThan(1000);
    expect(gets.length).toBeGreaterThan(SECONDS * 4);
    expect(renewals.length).toBeGreaterThan(SECONDS * 4);

    const refused = lists.filter(({ status }) => status === 429);
    expect(refused.length).toBeGreaterThan(0);
    expect(refused[0]!.body).toBe('Too many requests, please try again later.\n');
    expect(Number(refused[0]!.retryAfter)).toBeGreaterThanOrEqual(1);
    expect(lists.every(({ status }) => status === 200 || status === 429)).toBe(true);
  }, 60_000);
});
