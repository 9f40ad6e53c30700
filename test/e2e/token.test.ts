/** `keelson token` on an API server. */
import type { Secret } from '@keelson/api/generated/types/core/v1';
import { connect, loadKubeconfig, systemWorld } from '@keelson/client';
import { keelson } from '@keelson/cluster/commands/keelson';
import { authorityHash } from '@keelson/cluster/install/cluster-info';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type ApiServer, startApiServer } from '../support/api-server.ts';

let server: ApiServer;
beforeAll(async () => {
  server = await startApiServer('memory');
}, 60_000);
afterAll(() => server?.stop());

async function token(...args: string[]): Promise<{ code: number; output: string }> {
  let output = '';
  const write = (text: string) => {
    output += text;
  };
  const io = { stdout: write, stderr: write, columns: 0, env: { KUBECONFIG: server.kubeconfig }, onStop: () => {} };
  return { code: await keelson(['token', ...args], io), output };
}

async function secretOf(id: string): Promise<Secret> {
  const client = connect(await loadKubeconfig(server.kubeconfig), { component: 'test', world: systemWorld() });
  try {
    return await client.resource('secrets').get({ namespace: 'kube-system', name: `bootstrap-token-${id}` });
  } finally {
    client.close();
  }
}

test('a token is made, shown and ended', async () => {
  const made = await token('create', 'abcdef.0123456789abcdef', '--ttl=2h', '--description=for rack 4');
  expect(made).toEqual({ code: 0, output: 'abcdef.0123456789abcdef\n' });
  const { type, data = {} } = await secretOf('abcdef');
  expect(type).toBe('bootstrap.kubernetes.io/token');
  const fields = Object.entries(data).map(([name, value]) => [name, Buffer.from(value, 'base64').toString()]);
  expect(Object.fromEntries(fields)).toEqual({
    'token-id': 'abcdef',
    'token-secret': '0123456789abcdef',
    description: 'for rack 4',
    expiration: expect.stringMatching(/^20\d\d-.*Z$/),
    'usage-bootstrap-authentication': 'true',
    'usage-bootstrap-signing': 'true',
    'auth-extra-groups': 'system:bootstrappers:kubeadm:default-node-token',
  });

  const list = (await token('list')).output.split('\n');
  expect(list[0]).toMatch(/^TOKEN +TTL +EXPIRES +USAGES +DESCRIPTION +EXTRA GROUPS$/);
  expect(list[1]).toMatch(/^abcdef\.0123456789abcdef +1h +20\S+Z +authentication,signing +for rack 4 +system:bootstr/);
  expect(JSON.parse((await token('list', '-o', 'json')).output)).toMatchObject([
    { token: 'abcdef.0123456789abcdef', usages: ['authentication', 'signing'] },
  ]);

  expect(await token('create', 'abcdef.aaaaaaaaaaaaaaaa')).toEqual({
    code: 1,
    output: 'Error: a token with id "abcdef" already exists\n       choose another, or have one made.\n',
  });
  expect(await token('delete', 'abcdef')).toEqual({ code: 0, output: 'bootstrap token "abcdef" deleted\n' });
  expect((await token('delete', 'abcdef')).output).toContain('there is no token "abcdef"');
  expect((await token('list')).output.split('\n')).toHaveLength(2);
});

test('a token comes with how a machine joins by it: each authority of the kubeconfig is named', async () => {
  const { output } = await token('create', '--print-join-command', '--ttl=0');
  const config = await loadKubeconfig(server.kubeconfig);
  const { text } = config.tls.ca as { text: string };
  const words = output.trim().split(' ');
  expect(words.slice(0, 4)).toEqual(['keelson', 'join', new URL(config.server).host, '--token']);
  expect(words[4]).toMatch(/^\w{6}\.\w{16}$/);
  const certificates = text.split(/(?=-----BEGIN)/);
  expect(words.slice(5)).toEqual(
    certificates.flatMap((each) => ['--discovery-token-ca-cert-hash', authorityHash(each)]),
  );
  expect((await secretOf(words[4]!.slice(0, 6))).data).not.toHaveProperty('expiration');
});
