import { execFileSync } from 'node:child_process';
import { alreadyExists, invalid } from '@keelson/api/errors';
import type { ConfigMap } from '@keelson/api/generated/types/core/v1';
import type { FlowSchema } from '@keelson/api/generated/types/flowcontrol/v1';
import type { KubeObject } from '@keelson/api/object';
import { silentLogger } from '@keelson/component/logs/logger';
import { openMemoryStore } from '@keelson/storage/memory/open';
import { describe, expect, test } from 'vitest';
import { HealthChecks } from '../health/checks.ts';
import { endpointReconciler } from './endpoint-reconciler.ts';
import {
  ExtensionAuthentication,
  extensionAuthentication,
  reconcileAuthentication,
} from './extension-authentication.ts';
import { bootstrapFlowSchemas, bootstrapPriorityLevels, reconcileFlowControl } from './flowcontrol.ts';
import { apiServerId, IdentityLease } from './identity-lease.ts';
import { KubernetesService, kubernetesEndpoints, reconcileEndpoints } from './kubernetes-service.ts';
import { legacyTokenTracking, reconcileTracking } from './objects.ts';
import { type BootstrapClient, createOnly, ensure } from './reconcile.ts';

/** Keeps objects by kind and name. */
class FakeClient implements BootstrapClient {
  readonly stored = new Map<string, KubeObject>();
  readonly log: string[] = [];

  async get(_apiVersion: string, kind: string, _namespace: string, name: string): Promise<KubeObject | undefined> {
    return this.stored.get(`${kind} ${name}`);
  }
  async create(object: KubeObject): Promise<void> {
    await this.#write('create', object);
  }
  async update(object: KubeObject): Promise<void> {
    await this.#write('update', object);
  }
  async delete(object: KubeObject): Promise<void> {
    this.stored.delete(`${object.kind} ${object.metadata.name}`);
  }
  async list(_apiVersion: string, kind: string): Promise<KubeObject[]> {
    return [...this.stored.values()].filter((object) => object.kind === kind);
  }
  async #write(verb: string, object: KubeObject): Promise<void> {
    const key = `${object.kind} ${object.metadata.name}`;
    this.log.push(`${verb} ${key}`);
    this.stored.set(key, object);
  }
}

/** Of two servers that start at once, the other one: it does what this one does, and an error says so. */
class RacedClient extends FakeClient {
  readonly #error: Error;

  constructor(error: Error) {
    super();
    this.#error = error;
  }

  override async create(object: KubeObject): Promise<void> {
    await super.create(object);
    throw this.#error;
  }
}

const NAMESPACE: KubeObject = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'x' } };

describe('ensuring', () => {
  test.each([
    ['looks again when somebody else was faster', alreadyExists({ group: '', resource: 'namespaces' }, 'x')],
    ['waits for an object whose address another server has taken for it just now', invalid('', 'Namespace', 'x', [])],
  ])('%s', async (_, error) => {
    const client = new RacedClient(error);
    await ensure(client, NAMESPACE, createOnly);
    expect(client.log).toEqual(['create Namespace x']);
  });

  test('gives up on what does not pass', async () => {
    const failing: BootstrapClient = {
      ...new FakeClient(),
      get: async () => undefined,
      update: async () => {},
      delete: async () => {},
      create: async () => {
        throw new Error('broken');
      },
    };
    await expect(ensure(failing, NAMESPACE, createOnly)).rejects.toThrow('broken');
  });
});

describe('flow control', () => {
  const [catchAll] = bootstrapFlowSchemas.filter((s) => s.metadata.name === 'catch-all');
  const [nodes] = bootstrapFlowSchemas.filter((s) => s.metadata.name === 'system-nodes');
  const stored = (
    schema: FlowSchema,
    generation: number,
    mark: string | undefined,
    precedence: number,
  ): FlowSchema => ({
    ...schema,
    metadata: {
      name: schema.metadata.name!,
      generation,
      ...(mark === undefined ? {} : { annotations: { 'apf.kubernetes.io/autoupdate-spec': mark } }),
    },
    spec: { ...schema.spec, matchingPrecedence: precedence },
  });

  test('names only levels that exist', () => {
    const levels = new Set(bootstrapPriorityLevels.map((l) => l.metadata.name));
    for (const s of bootstrapFlowSchemas) expect(levels).toContain(s.spec.priorityLevelConfiguration.name);
    expect([bootstrapFlowSchemas.length, levels.size]).toEqual([11, 8]);
  });
  test.each<[string, number, string | undefined, number, [number, string] | undefined]>([
    ['as wanted', 1, 'true', 500, undefined],
    ['changed, but ours', 3, 'true', 7, [500, 'true']],
    ['taken over', 3, 'false', 7, undefined],
    ['never changed and not marked', 1, undefined, 7, [500, 'true']],
    ['changed and not marked', 2, undefined, 7, [7, 'false']],
  ])('suggested, %s', (_, generation, mark, precedence, expected) => {
    const writes = reconcileFlowControl(nodes!, stored(nodes!, generation, mark, precedence));
    const outcome = writes.map(({ object }) => [
      object.spec.matchingPrecedence,
      object.metadata.annotations!['apf.kubernetes.io/autoupdate-spec'],
    ]);
    expect(outcome).toEqual(expected ? [expected] : []);
  });
  test('that is mandatory is put right whatever it says', () => {
    const [write] = reconcileFlowControl(catchAll!, stored(catchAll!, 5, 'false', 7));
    expect(write!.object.spec).toEqual(catchAll!.spec);
  });
});

describe('the configuration for extension servers', () => {
  const now = new Date();
  const certificate = (name: string): string =>
    execFileSync(
      'openssl',
      [
        'req',
        '-x509',
        '-newkey',
        'ec',
        '-pkeyopt',
        'ec_paramgen_curve:P-256',
        '-nodes',
        '-keyout',
        '/dev/null',
        '-subj',
        `/CN=${name}`,
        '-days',
        '1',
      ],
      { stdio: ['ignore', 'pipe', 'ignore'] },
    ).toString();
  const ours = certificate('ours');
  const theirs = certificate('theirs');
  const requestHeader = {
    clientCa: ours,
    allowedNames: ['proxy'],
    usernameHeaders: ['X-Remote-User'],
    uidHeaders: [],
    groupHeaders: ['X-Remote-Group'],
    extraHeaderPrefixes: ['X-Remote-Extra-'],
  };
  const desired = extensionAuthentication({ clientCa: ours, requestHeader });

  test('lists whom to trust', () => {
    const [write] = reconcileAuthentication(desired, undefined, now);
    expect(write).toMatchObject({
      type: 'create',
      object: {
        metadata: { name: 'extension-apiserver-authentication', namespace: 'kube-system' },
        data: { 'requestheader-allowed-names': '["proxy"]', 'requestheader-username-headers': '["X-Remote-User"]' },
      },
    });
    expect(write!.object.data!['client-ca-file']).toBe(ours);
    expect(write!.object.data).not.toHaveProperty('requestheader-uid-headers');
    expect(reconcileAuthentication(extensionAuthentication({}), undefined, now)).toEqual([]);
  });
  test('keeps what other servers wrote, as long as it is valid', () => {
    const live: ConfigMap = {
      ...desired,
      data: { 'client-ca-file': theirs + ours, 'requestheader-allowed-names': '["other","proxy"]' },
    };
    const [write] = reconcileAuthentication(desired, live, now);
    expect(write!.object.data!['client-ca-file']).toBe(theirs + ours);
    expect(write!.object.data!['requestheader-allowed-names']).toBe('["other","proxy"]');
    expect(reconcileAuthentication(desired, write!.object, now)).toEqual([]);
    const later = new Date(now.getTime() + 3 * 86_400_000);
    expect(reconcileAuthentication(desired, write!.object, later)[0]!.object.data).not.toHaveProperty('client-ca-file');
  });
  test('gets the authorities of a file that has changed, beside those from before', async () => {
    const client = new FakeClient();
    let [pem, changed] = [theirs, () => {}];
    const clientCa = {
      get: () => pem,
      onChange: (listener: () => void) => {
        changed = listener;
      },
    };
    const upkeep = new ExtensionAuthentication({ client, config: { clientCa }, now: () => now, logger: silentLogger });
    await upkeep.start(new HealthChecks({ now: () => 0 }));
    pem = ours;
    changed();
    const written = () => client.stored.get('ConfigMap extension-apiserver-authentication');
    await expect.poll(() => written()).toMatchObject({ data: { 'client-ca-file': theirs + ours } });
    await upkeep.stop();
    pem = theirs;
    client.stored.clear();
    changed();
    await upkeep.stop();
    expect(written()).toBeUndefined();
  });
});

test('tokens are tracked since the first start', () => {
  const desired = legacyTokenTracking(new Date('2026-01-02T03:04:05Z'));
  expect(desired.data).toEqual({ since: '2026-01-02' });
  expect(reconcileTracking(desired, { ...desired, data: { since: '2020-01-01' } })).toEqual([]);
  expect(reconcileTracking(desired, { ...desired, data: { since: 'x' } })[0]).toMatchObject({
    object: { data: desired.data },
  });
});

describe('the kubernetes service', () => {
  const server = (store: ReturnType<typeof openMemoryStore>, client: FakeClient, advertiseAddress: string) =>
    new KubernetesService({
      client,
      store,
      logger: silentLogger,
      serviceClusterIpRanges: ['10.0.0.0/24'],
      advertiseAddress,
      port: 6443,
    });
  const addresses = (client: FakeClient): string[] =>
    (
      client.stored.get('Endpoints kubernetes') as unknown as { subsets: { addresses: { ip: string }[] }[] }
    ).subsets[0]!.addresses.map((a) => a.ip);

  test.each([
    [0, { type: 'ClusterIP', ports: [{ name: 'https', protocol: 'TCP', port: 443, targetPort: 6443 }] }],
    [
      30443,
      { type: 'NodePort', ports: [{ name: 'https', protocol: 'TCP', port: 443, targetPort: 6443, nodePort: 30443 }] },
    ],
  ])('may be at a port of every node (%j)', async (kubernetesServiceNodePort, spec) => {
    const client = new FakeClient();
    const one = new KubernetesService({
      client,
      store: openMemoryStore(),
      logger: silentLogger,
      serviceClusterIpRanges: ['10.0.0.0/24'],
      advertiseAddress: '192.0.2.1',
      port: 6443,
      kubernetesServiceNodePort,
    });
    await one.start();
    expect(client.stored.get('Service kubernetes')).toMatchObject({ spec });
    await one.stop();
  });

  test('has every server as endpoint, and none that has stopped', async () => {
    const store = openMemoryStore();
    const client = new FakeClient();
    const one = server(store, client, '192.0.2.1');
    const two = server(store, client, '192.0.2.2');
    await one.start();
    expect(client.stored.get('Service kubernetes')).toMatchObject({
      spec: { clusterIP: '10.0.0.1', ports: [{ port: 443, targetPort: 6443 }] },
    });
    await two.start();
    expect(addresses(client)).toEqual(['192.0.2.1', '192.0.2.2']);
    expect(client.stored.get('EndpointSlice kubernetes')).toMatchObject({
      addressType: 'IPv4',
      endpoints: [{ addresses: ['192.0.2.1'] }, { addresses: ['192.0.2.2'] }],
    });
    await one.stop();
    expect(addresses(client)).toEqual(['192.0.2.2']);
    await two.stop();
    expect(client.stored.get('Endpoints kubernetes')).toMatchObject({ subsets: [] });
    await store.close();
  });

  test.each([
    // what is listed, how many servers there may be, who comes, what is listed then
    [[], 1, '192.0.2.1', ['192.0.2.1']],
    [['192.0.2.1'], 2, '192.0.2.2', ['192.0.2.1', '192.0.2.2']],
    [['192.0.2.1', '192.0.2.3'], 2, '192.0.2.2', ['192.0.2.1', '192.0.2.2']],
    [['192.0.2.1', '192.0.2.2'], 2, '192.0.2.3', ['192.0.2.2', '192.0.2.3']],
    [['192.0.2.1', '192.0.2.2'], 2, '192.0.2.1', ['192.0.2.1', '192.0.2.2']],
  ])('by count: to %j of %i comes %s', async (listed, apiServerCount, advertiseAddress, expected) => {
    const store = openMemoryStore();
    const reconciler = endpointReconciler({ type: 'master-count', store, advertiseAddress, apiServerCount });
    expect(await reconciler.join(listed)).toEqual(expected);
    expect(await reconciler.leave(expected)).toEqual(expected.filter((address) => address !== advertiseAddress));
    await store.close();
  });

  test('keeps the labels of others', () => {
    const desired = kubernetesEndpoints(['192.0.2.1'], 6443);
    const live = { ...desired, metadata: { ...desired.metadata, labels: { ...desired.metadata.labels, a: 'b' } } };
    expect(reconcileEndpoints(desired, live)).toEqual([]);
    const [write] = reconcileEndpoints(kubernetesEndpoints(['192.0.2.9'], 6443), live);
    expect(write!.object.metadata.labels).toMatchObject({ a: 'b' });
  });
});

describe('the identity of a server', () => {
  test('is told by its host', () => {
    expect(apiServerId('vm')).toBe('apiserver-wlv32tlttr4jl3gtroqexyxapa');
  });

  test('is a lease, as long as the server is there; those of servers that are gone are swept away', async () => {
    const client = new FakeClient();
    const leaseOf = (name: string, labels: Record<string, string>, spec: object): KubeObject => ({
      apiVersion: 'coordination.k8s.io/v1',
      kind: 'Lease',
      metadata: { name, namespace: 'kube-system', labels },
      spec,
    });
    const identity = { 'apiserver.kubernetes.io/identity': 'kube-apiserver' };
    const long = { renewTime: '2026-01-02T02:00:00.000000Z', leaseDurationSeconds: 3600 };
    for (const lease of [
      leaseOf('gone', identity, long),
      leaseOf('empty', identity, {}),
      leaseOf('alive', identity, { ...long, renewTime: '2026-01-02T02:30:00.000000Z' }),
      leaseOf('controller', {}, long),
    ])
      await client.create(lease);
    const server = new IdentityLease({
      client,
      logger: silentLogger,
      now: () => new Date('2026-01-02T03:04:05Z'),
      uuid: 'some-uuid',
      hostname: 'vm',
      peerAddress: { host: '2001:db8::1', port: 6443 },
    });
    await server.start();
    const own = apiServerId('vm');
    expect([...client.stored.keys()]).toEqual(['Lease alive', 'Lease controller', `Lease ${own}`]);
    expect(client.stored.get(`Lease ${own}`)).toMatchObject({
      metadata: {
        labels: { ...identity, 'kubernetes.io/hostname': 'vm' },
        annotations: { 'kubernetes.io/peer-advertise-address': '[2001:db8::1]:6443' },
      },
      spec: {
        holderIdentity: `${own}_some-uuid`,
        leaseDurationSeconds: 3600,
        renewTime: '2026-01-02T03:04:05.000000Z',
      },
    });
    await server.stop();
    expect([...client.stored.keys()]).toEqual(['Lease alive', 'Lease controller']);
  });
});
