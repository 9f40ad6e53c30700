import { expect, it } from 'vitest';
import { webhookUsers } from './users.ts';

const KUBECONFIG = {
  users: [
    { name: 'hook.ns.svc', user: { token: 'exact' } },
    { name: 'hook.ns.svc:8443', user: { tokenFile: 'token' } },
    { name: '*.other.svc', user: { username: 'u', password: 'p' } },
    { name: 'example.com', user: { 'client-certificate-data': 'Y2VydA==', 'client-key': 'key.pem' } },
    { name: 'somebody', user: { token: 'current' } },
  ],
  contexts: [{ name: 'c', context: { user: 'somebody' } }],
  'current-context': 'c',
};
const readOther = (path: string) => (path === '/etc/kube.json' ? JSON.stringify(KUBECONFIG) : `${path}\n`);
const configuration = (kubeConfigFile: string) => ({
  apiVersion: 'apiserver.config.k8s.io/v1',
  kind: 'WebhookAdmissionConfiguration',
  kubeConfigFile,
});
const bearer = (token: string) => ({ headers: { authorization: `Bearer ${token}` } });

it.each([
  ['hook.ns.svc:443', bearer('exact')],
  ['hook.ns.svc:8443', bearer('/etc/token')],
  ['a.other.svc:443', { headers: { authorization: 'Basic dTpw' } }],
  ['a.other.svc:444', bearer('current')],
  ['example.com:443', { tls: { cert: 'cert', key: '/etc/key.pem\n' } }],
  ['10.0.0.1:443', bearer('current')],
])('%s is asked as %j', (server, expected) => {
  expect(webhookUsers(configuration('/etc/kube.json'), readOther).for(server)).toEqual(expected);
});

it('asks as nobody without a kubeconfig', () => {
  expect(webhookUsers(configuration(''), readOther).for('a:443')).toBeUndefined();
});

it('wants the whole path', () => {
  expect(() => webhookUsers(configuration('kube.json'), readOther)).toThrow(
    'kubeConfigFile must be an absolute file path',
  );
});
