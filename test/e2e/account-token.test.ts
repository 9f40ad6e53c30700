/** Tokens of what runs on a node outside of pods: they end, and are asked for again. */
import { execFile } from 'node:child_process';
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { type Client, type ClusterConfig, connect, parseKubeconfig, systemWorld } from '@keelson/client';
import { accountCredentials, askerOf, grantTokens } from '@keelson/cluster/install/addons/account';
import { kubeconfigText } from '@keelson/cluster/install/kubeconfigs';
import { KUBECONFIG_FILES, Layout } from '@keelson/cluster/install/layout';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type ApiServer, kubeconfigFor, ownBinary, startApiServer } from '../support/api-server.ts';

const soon = { timeout: 60_000, interval: 200 };
const ACCOUNT = 'kube-proxy';
const keelson = join(import.meta.dirname, '../../bin/keelson');

/** Two hours pass at each signal. */
const HOURS = `
const Now = Date;
let passed = 0;
process.on('SIGUSR2', () => { passed += 2 * 3_600_000; });
globalThis.Date = class extends Now {
  constructor(...args) { super(...(args.length > 0 ? args : [Now.now() + passed])); }
  static now() { return Now.now() + passed; }
};
`;

describe.skipIf(process.env.KUBE_APISERVER)('tokens of accounts for units', { timeout: 120_000 }, () => {
  let root: string;
  let server: ApiServer;
  let config: (user: object) => ClusterConfig;
  let unitConfig: ClusterConfig;
  let [admin, unit]: Client[] = [];
  const clients: Client[] = [];

  const clientOf = (of: ClusterConfig) => {
    const client = connect(of, { component: 'test', world: systemWorld() });
    clients.push(client);
    return client;
  };
  const ask = (client: Client, name = ACCOUNT) =>
    client
      .resource('serviceaccounts')
      .subresource('token')
      .create(
        { namespace: 'kube-system', name },
        { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: {} },
      );
  const status = async () => {
    const { exec } = unitConfig;
    const { stdout } = await promisify(execFile)(exec!.command, [...exec!.args]);
    return (JSON.parse(stdout) as { status: { token: string; expirationTimestamp: string } }).status;
  };
  /** The code of a request's answer; undefined where there was no request. */
  const answer = (client: Client): Promise<number | undefined> =>
    client
      .resource('services')
      .list()
      .then(
        () => 200,
        (error) => error.code,
      );
  const setNode = () => admin!.resource('nodes').create({ metadata: { name: 'n' } });

  beforeAll(async () => {
    root = await mkdtemp(join(tmpdir(), 'keelson-account-token-'));
    await writeFile(join(root, 'hours.mjs'), HOURS);
    const command = join(root, 'kube-apiserver');
    await writeFile(command, `#!/bin/sh\nNODE_OPTIONS=--import=${root}/hours.mjs exec ${ownBinary} "$@"\n`);
    await chmod(command, 0o755);
    const users = ['admin,admin,1,system:masters', 'node,system:node:n,2,system:nodes'];
    await writeFile(join(root, 'tokens.csv'), `${users.join('\n')}\n`);
    const flags = [`--token-auth-file=${join(root, 'tokens.csv')}`, '--enable-admission-plugins=NodeRestriction'];
    server = await startApiServer('memory', flags, undefined, command);
    config = (user) => parseKubeconfig(JSON.stringify(kubeconfigFor(server.url, server.ca, user)), root);
    admin = clientOf(config({ token: 'admin' }));
    await admin.resource('serviceaccounts').create({ metadata: { namespace: 'kube-system', name: ACCOUNT } });
    await admin.resource('serviceaccounts').create({ metadata: { namespace: 'kube-system', name: 'other' } });
    const client = admin;
    await grantTokens(
      {
        put: async (resource, object) => void (await client.resource(resource).apply(object, 'test', { force: true })),
      },
      ACCOUNT,
    );
    await admin.resource('clusterrolebindings.rbac.authorization.k8s.io').create({
      metadata: { name: 'proxier' },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'system:node-proxier' },
      subjects: [{ kind: 'ServiceAccount', namespace: 'kube-system', name: ACCOUNT }],
    });
    await setNode();
    const layout = new Layout({ root, runHere: true });
    const kubelet = layout.host(KUBECONFIG_FILES.kubelet);
    await mkdir(dirname(kubelet), { recursive: true });
    await writeFile(kubelet, JSON.stringify(kubeconfigFor(server.url, server.ca, { token: 'node' })));
    const text = kubeconfigText({
      clusterName: 'test',
      server: server.url,
      certificateAuthority: server.ca,
      user: ACCOUNT,
      credentials: accountCredentials({ program: () => keelson, layout }, ACCOUNT, 'n'),
    });
    unitConfig = parseKubeconfig(text, root);
    unit = clientOf(unitConfig);
  }, 60_000);
  afterAll(async () => {
    for (const client of clients) client.close();
    await server?.stop();
    await rm(root, { recursive: true });
  });

  test('a unit is its account, and has a token that ends; it is to ask for the next before', async () => {
    await unit!.resource('services').list();
    const asked = Date.now();
    const { token, expirationTimestamp } = await status();
    const claims = JSON.parse(Buffer.from(token.split('.')[1]!, 'base64url').toString());
    expect(claims).toMatchObject({ sub: `system:serviceaccount:kube-system:${ACCOUNT}` });
    expect(claims['kubernetes.io'].node.name).toBe('n');
    expect(claims.exp - claims.iat).toBe(3600);
    const left = Date.parse(expirationTimestamp) - asked;
    expect(left).toBeGreaterThanOrEqual(0.8 * 3_600_000);
    expect(left).toBeLessThan(0.85 * 3_600_000);
  });

  test('one that has run out is refused, and the unit goes on with another', async () => {
    const old = clientOf(config({ token: (await status()).token }));
    await old.resource('services').list();
    await unit!.resource('services').list();
    process.kill(server.program.pid, 'SIGUSR2');
    await expect.poll(() => answer(old), soon).toBe(401);
    // By the unit's own clock it is still good: it is told once, as in client-go.
    await expect.poll(() => answer(unit!), soon).toBe(200);
    expect(await answer(old)).toBe(401);
  });

  test('it ends with its node, and there is another when that is back', async () => {
    const old = clientOf(config({ token: (await status()).token }));
    await admin!.resource('nodes').delete({ name: 'n' });
    // The server remembers for ten seconds whom it has let in.
    await expect.poll(() => answer(old), soon).toBe(401);
    await expect.poll(() => answer(unit!), soon).toBeUndefined();
    await setNode();
    await expect.poll(() => answer(unit!), soon).toBe(200);
    expect(await answer(old)).toBe(401);
  });

  test('nobody gets more of it: not the node, not the unit, not who may ask', async () => {
    const node = (user: object = {}) => clientOf({ ...config({ token: 'node' }), ...user });
    const forbidden = { code: 403 };
    await expect(ask(node())).rejects.toMatchObject(forbidden);
    const asOther = { impersonate: { user: `system:serviceaccount:kube-system:other` } };
    await expect(node(asOther).resource('services').list()).rejects.toMatchObject(forbidden);
    const asker = node({ impersonate: { user: askerOf(ACCOUNT) } });
    await ask(asker);
    await expect(ask(node({ impersonate: { user: askerOf('other') } }), 'other')).rejects.toMatchObject(forbidden);
    await expect(ask(asker, 'other')).rejects.toMatchObject(forbidden);
    await expect(asker.resource('services').list()).rejects.toMatchObject(forbidden);
    await expect(ask(unit!)).rejects.toMatchObject(forbidden);
  });

  test('what is wrong is told', async () => {
    const told = (...args: string[]) =>
      promisify(execFile)(keelson, ['account-token', ...args]).catch(({ stderr, code }) => [code, stderr]);
    const kubeconfig = unitConfig.exec!.args.find((arg) => arg.startsWith('--kubeconfig='))!;
    expect(await told('--account=x', kubeconfig)).toEqual([1, expect.stringContaining('--node-name is required')]);
    expect(await told('--account=x', '--node-name=n', kubeconfig)).toEqual([1, expect.stringContaining('forbidden')]);
    const other = await told(`--account=${ACCOUNT}`, '--node-name=m', kubeconfig);
    expect(other).toEqual([1, expect.stringContaining('nodes "m" not found')]);
  });
});
