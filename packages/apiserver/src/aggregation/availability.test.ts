import type { APIService } from '@keelson/api/generated/types/apiregistration/v1';
import type { Service } from '@keelson/api/generated/types/core/v1';
import type { Endpoint, EndpointPort, EndpointSlice } from '@keelson/api/generated/types/discovery/v1';
import type { KubeObject } from '@keelson/api/object';
import { describe, expect, it } from 'vitest';
import type { Backend } from '../connect/backend.ts';
import type { Reply } from '../connect/front-proxy.ts';
import { Availability, problemOf } from './availability.ts';
import { UnusableBundle } from './remote.ts';

const reference = { namespace: 'ns', name: 'svc', port: 443 };
const https = { name: 'https', port: 443 };

const service = (spec: object = {}): Service =>
  ({ metadata: {}, spec: { type: 'ClusterIP', ports: [https], ...spec } }) as Service;
const slice = (ports: EndpointPort[] | null, endpoints: Endpoint[] | null): EndpointSlice => ({
  metadata: { labels: { 'kubernetes.io/service-name': 'svc' } },
  addressType: 'IPv4',
  endpoints,
  ports,
});
const ready = { addresses: ['10.0.0.1'], conditions: { ready: true } };
const noName = 'endpointslices for service/svc in "ns" have no addresses with port name "https"';

describe('a service behind an APIService', () => {
  it.each<[string, Service | undefined, EndpointSlice[], string | undefined, string?]>([
    ['is not there', undefined, [], 'ServiceNotFound', 'service/svc in "ns" is not present'],
    [
      'has no such port',
      service({ ports: [] }),
      [],
      'ServicePortError',
      'service/svc in "ns" is not listening on port 443',
    ],
    ['has no slices', service(), [], 'EndpointsNotFound', 'cannot find endpointslices for service/svc in "ns"'],
    ['has an empty slice', service(), [slice([https], null)], 'MissingEndpoints', noName],
    ['has another port', service(), [slice([{ name: 'http', port: 80 }], [ready])], 'MissingEndpoints', noName],
    [
      'has endpoints that are not ready',
      service(),
      [slice([https], [{ ...ready, conditions: { ready: false } }])],
      'MissingEndpoints',
      noName,
    ],
    ['has its endpoints in the second slice', service(), [slice(null, null), slice([https], [ready])], undefined],
    ['has endpoints of which nothing is known', service(), [slice([https], [{ ...ready, conditions: {} }])], undefined],
    ['is elsewhere by name', service({ type: 'ExternalName', ports: null }), [], undefined],
  ])('%s', (_what, found, slices, reason, message) => {
    const expected = reason && { type: 'Available', status: 'False', reason, message };
    expect(problemOf(reference, found, slices)).toEqual(expected);
  });
});

const backend: Backend = { scheme: 'https', host: '10.0.0.1', port: '443', path: '/apis/g/v1', query: '', tls: {} };
const apiService = (spec: object = { service: reference }): APIService => ({
  metadata: { name: 'v1.g', resourceVersion: '1' },
  spec: { group: 'g', version: 'v1', groupPriorityMinimum: 1, versionPriority: 1, ...spec },
  status: {},
});

function availability(statuses: (number | Error)[], isReady = true, unusable?: Error) {
  const written: KubeObject[] = [];
  const told: [name: string, reason: string][] = [];
  let asked = 0;
  const subject = new Availability({
    objects: {
      get: async () => service({ type: 'ExternalName' }) as never,
      list: async () => [],
    },
    remote: {
      backend: async () => {
        if (unusable) throw unusable;
        return backend;
      },
      askAt: async () => {
        const status = statuses[Math.min(asked++, statuses.length - 1)]!;
        if (status instanceof Error) throw status;
        return { status, headers: {}, body: Buffer.alloc(0) } satisfies Reply;
      },
    },
    client: { update: async (object) => void written.push(object) },
    now: () => new Date('2026-01-02T03:04:05Z'),
    isReady: () => isReady,
    onUnavailable: (...what) => told.push(what),
  });
  const conditions = () => written.map(({ status }) => (status as APIService['status']).conditions?.[0]);
  return { subject, conditions, told };
}

describe('the server behind an APIService', () => {
  it('is available when one of several questions is answered', async () => {
    const { subject, conditions } = availability([new Error('refused'), 500, 200]);
    await subject.reconcile(apiService());
    const lastTransitionTime = '2026-01-02T03:04:05Z';
    expect(conditions()).toEqual([
      { type: 'Available', status: 'True', reason: 'Passed', message: 'all checks passed', lastTransitionTime },
    ]);
  });

  it('is not when it answers with an error, and is asked again', async () => {
    const { subject, conditions } = availability([403]);
    const url = 'https://10.0.0.1:443/apis/g/v1';
    const message = `failing or missing response from ${url}: bad status from ${url}: 403`;
    await expect(subject.reconcile(apiService())).rejects.toThrow(message);
    expect(conditions()).toMatchObject([{ status: 'False', reason: 'FailedDiscoveryCheck', message }]);
  });

  it('is counted when it was available', async () => {
    const { subject, told } = availability([403]);
    const status = { conditions: [{ type: 'Available', status: 'True' }] };
    await expect(subject.reconcile({ ...apiService(), status })).rejects.toThrow('403');
    await expect(subject.reconcile(apiService())).rejects.toThrow('403');
    expect(told).toEqual([['v1.g', 'FailedDiscoveryCheck']]);
  });

  it('is not blamed before this server is ready', async () => {
    const { subject, conditions } = availability([503], false);
    await expect(subject.reconcile(apiService())).rejects.toThrow('503');
    expect(conditions()).toEqual([]);
  });

  it('keeps its condition where nobody can be asked', async () => {
    const { subject, conditions } = availability([], true, new UnusableBundle('no certificates'));
    await expect(subject.reconcile(apiService())).rejects.toThrow('no certificates');
    expect(conditions()).toEqual([]);
  });

  it('is this one: always available, and nothing is written twice', async () => {
    const { subject, conditions } = availability([]);
    await subject.reconcile(apiService({}));
    expect(conditions()).toMatchObject([{ status: 'True', reason: 'Local' }]);
    await subject.reconcile({ ...apiService({}), status: { conditions: [conditions()[0]!] } });
    expect(conditions()).toHaveLength(1);
  });
});
