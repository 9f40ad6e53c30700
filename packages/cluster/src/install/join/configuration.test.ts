import { ConfigObject } from '@keelson/component/configfile';
import { expect, test } from 'vitest';
import { decodeJoin } from './configuration.ts';

const token = 'abcdef.0123456789abcdef';
const machine = { hostname: 'Worker', address: '10.0.0.11', newToken: () => token };
const bootstrapToken = { token, apiServerEndpoint: '10.0.0.10:6443', caCertHashes: ['sha256:0'] };
const decode = (fields: object) => decodeJoin(new ConfigObject(fields), machine);

test('a token is for both: to know the cluster by, and to be known by it', () => {
  expect(decode({ discovery: { bootstrapToken } })).toMatchObject({
    init: { nodeRegistration: { name: 'worker', taints: [] } },
    isControlPlane: false,
    caCertPath: '/etc/kubernetes/pki/ca.crt',
    discovery: { kind: 'token', token, endpoint: '10.0.0.10:6443', caHashes: ['sha256:0'] },
    tlsBootstrapToken: token,
  });
  const other = 'fedcba.0123456789abcdef';
  expect(decode({ discovery: { bootstrapToken, tlsBootstrapToken: other } }).tlsBootstrapToken).toBe(other);
});

test('a file says where the cluster is', () => {
  expect(decode({ discovery: { file: { kubeConfigPath: 'file:///etc/d.conf' } } })).toMatchObject({
    discovery: { kind: 'file', path: '/etc/d.conf' },
    tlsBootstrapToken: '',
  });
});

test.each<[string, object, string]>([
  ['nothing', {}, 'discovery: bootstrapToken or file must be set'],
  [
    'both',
    { discovery: { bootstrapToken, file: { kubeConfigPath: '/f' } } },
    'bootstrapToken and file cannot both be set',
  ],
  ['no endpoint', { discovery: { bootstrapToken: { token } } }, 'APIServerEndpoint is not set'],
  [
    'an endpoint without a port',
    { discovery: { bootstrapToken: { ...bootstrapToken, apiServerEndpoint: '10.0.0.10' } } },
    '10.0.0.10 is no HOST:PORT',
  ],
  [
    'no pin',
    { discovery: { bootstrapToken: { ...bootstrapToken, caCertHashes: [] } } },
    'using token-based discovery without caCertHashes can be unsafe',
  ],
  ['no token', { discovery: { bootstrapToken: { ...bootstrapToken, token: 'x' } } }, 'the bootstrap token'],
  ['a URL', { discovery: { file: { kubeConfigPath: 'https://example.org/d.conf' } } }, 'not a file on disk'],
  [
    'a key that is none',
    { controlPlane: { certificateKey: 'abcd' }, discovery: { bootstrapToken } },
    'certificateKey: invalid certificate key size 2',
  ],
  [
    'no address',
    { controlPlane: { localAPIEndpoint: { advertiseAddress: '0.0.0.0' } }, discovery: { bootstrapToken } },
    'localAPIEndpoint.advertiseAddress: 0.0.0.0 is no address that others reach this machine by',
  ],
  [
    'an unknown field of the control plane',
    { controlPlane: { color: 'blue' }, discovery: { bootstrapToken } },
    'controlPlane.color',
  ],
  ['an unknown field', { discovery: { bootstrapToken }, color: 'blue' }, 'color'],
])('refused: %s', (_, fields, message) => {
  expect(() => decode(fields)).toThrow(message);
});

test('without a pin only who says so', () => {
  const unpinned = { ...bootstrapToken, caCertHashes: [], unsafeSkipCAVerification: true };
  expect(decode({ discovery: { bootstrapToken: unpinned } }).discovery).toMatchObject({ caHashes: [] });
});

test('a machine of the control plane', () => {
  const controlPlane = { localAPIEndpoint: { advertiseAddress: '10.0.0.12' }, certificateKey: 'ab'.repeat(32) };
  expect(decode({ discovery: { bootstrapToken }, controlPlane, patches: { directory: '/patches' } })).toMatchObject({
    isControlPlane: true,
    init: {
      nodeRegistration: { taints: [{ key: 'node-role.kubernetes.io/control-plane', effect: 'NoSchedule' }] },
      localApiEndpoint: { advertiseAddress: '10.0.0.12', bindPort: 6443 },
      certificateKey: 'ab'.repeat(32),
      patchesDirectory: '/patches',
    },
  });
  expect(decode({ discovery: { bootstrapToken }, controlPlane: {} }).init.localApiEndpoint).toEqual({
    advertiseAddress: '10.0.0.11',
    bindPort: 6443,
  });
});
