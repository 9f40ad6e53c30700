import type { APIService } from '@keelson/api/generated/types/apiregistration/v1';
import { describe, expect, it } from 'vitest';
import { BackendPool } from '../connect/backend.ts';
import { apiServiceOfPath } from './apiservice.ts';
import { identityHeaders, Remote, UnusableBundle } from './remote.ts';

it.each([
  ['/apis/apps/v1', 'v1.apps'],
  ['/apis/apps/v1/', 'v1.apps'],
  ['/apis/apps/v1/namespaces/n/deployments', 'v1.apps'],
  ['/api', 'v1.'],
  ['/api/v1/pods', 'v1.'],
  ['/apis', undefined],
  ['/apis/apps', undefined],
  ['/apis/apps/', undefined],
  ['/apis/apiregistration.k8s.io/v1/apiservices', undefined],
  ['/healthz', undefined],
])('%s belongs to %s', (path, name) => expect(apiServiceOfPath(path)).toBe(name));

it('names the user in headers', () => {
  const extra = { 'example.com/zone': ['a', 'b'], 'ü%': ['x'], none: [] };
  expect(identityHeaders({ name: 'jané\r\nx: y', uid: '', groups: ['g1', 'g2'], extra })).toEqual({
    'x-remote-user': Buffer.from('jané  x: y').toString('latin1'),
    'x-remote-group': ['g1', 'g2'],
    'x-remote-extra-example.com%2Fzone': ['a', 'b'],
    'x-remote-extra-%C3%BC%25': ['x'],
  });
  expect(identityHeaders({ name: '', uid: 'u', groups: [], extra: {} })).toEqual({
    'x-remote-user': '',
    'x-remote-uid': 'u',
  });
});

describe('where requests go', () => {
  const pem = '-----BEGIN CERTIFICATE-----';
  const remote = new Remote({
    resolve: async (namespace, name, port) => ({ host: `${name}-${namespace}`, port: port + 1 }),
    pool: new BackendPool(),
    certificate: { get: () => ({ cert: 'CERT', key: 'KEY' }) },
  });
  const service = (spec: object): APIService => ({
    metadata: {},
    spec: { groupPriorityMinimum: 1, versionPriority: 1, service: { namespace: 'ns', name: 'svc' }, ...spec },
    status: {},
  });

  it.each<[string, object, object]>([
    ['with authorities', { caBundle: btoa(pem) }, { ca: pem }],
    ['without', { caBundle: '' }, {}],
    ['unchecked', { insecureSkipTLSVerify: true }, { rejectUnauthorized: false }],
  ])('%s', async (_what, spec, tls) => {
    expect(await remote.backend(service(spec), '/apis')).toEqual({
      scheme: 'https',
      host: 'svc-ns',
      port: '444',
      path: '/apis',
      query: '',
      tls: { servername: 'svc.ns.svc', cert: 'CERT', key: 'KEY', ...tls },
    });
  });

  it('nowhere, with authorities that are none', async () => {
    await expect(remote.backend(service({ caBundle: btoa('x') }), '/apis')).rejects.toThrow(UnusableBundle);
  });
});
