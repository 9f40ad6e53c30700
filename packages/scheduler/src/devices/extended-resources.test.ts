import type { Container, Pod } from '@keelson/api/generated/types/core/v1';
import { Store } from '@keelson/client/informer/store';
import { describe, expect, it } from 'vitest';
import { makeClass, makeClassOf } from '../testing/devices.ts';
import { container, makePod } from '../testing/objects.ts';
import { byResource, classOf, requestsFor } from './extended-resources.ts';

const gpu = 'example.com/gpu';
const nic = 'example.com/nic';
const resources = new Map([
  [nic, makeClassOf(nic, 'nics')],
  [gpu, makeClassOf(gpu, 'gpus')],
]);

const asks = (name: string, requests: Record<string, string>, more: Partial<Container> = {}): Container =>
  container(requests, { name, ...more });
const ends = (name: string, n: number) => asks(name, { [gpu]: String(n) });
const sidecar = (name: string, n: number) => asks(name, { [gpu]: String(n) }, { restartPolicy: 'Always' });
const made = (initContainers: Container[], containers: Container[]): Pod =>
  makePod('p', { spec: { initContainers, containers } });

/** `name:class×count`, and `container/resource:request`. */
function told(pod: Pod): { requests: string[]; mappings: string[] } {
  const { requests, mappings } = requestsFor(pod, resources);
  return {
    requests: requests.map(({ name, exactly }) => `${name}:${exactly!.deviceClassName}x${exactly!.count}`),
    mappings: mappings.map((each) => `${each.containerName}/${each.resourceName.slice(-3)}:${each.requestName}`),
  };
}

describe('requests for extended resources', () => {
  it.each<[string, Pod, string[], string[]]>([
    [
      'each container has its own, named after its place and that of the resource among those it asks for',
      made([], [asks('a', { cpu: '1', [gpu]: '2', [nic]: '1' }), ends('b', 1), asks('c', { [gpu]: '0' })]),
      ['container-0-request-1:gpusx2', 'container-0-request-2:nicsx1', 'container-1-request-0:gpusx1'],
      ['a/gpu:container-0-request-1', 'b/gpu:container-1-request-0', 'a/nic:container-0-request-2'],
    ],
    [
      'containers that end use what others hold later',
      made([ends('init', 2)], [ends('a', 1), ends('b', 3)]),
      ['container-1-request-0:gpusx1', 'container-2-request-0:gpusx3'],
      [
        'a/gpu:container-1-request-0',
        'b/gpu:container-2-request-0',
        'init/gpu:container-1-request-0',
        'init/gpu:container-2-request-0',
      ],
    ],
    [
      'what they need beyond that is the need of the largest, once for all',
      made([ends('small', 2), ends('large', 4)], [ends('a', 1)]),
      ['container-1-request-0:gpusx3', 'container-2-request-0:gpusx1'],
      [
        'a/gpu:container-2-request-0',
        'small/gpu:container-2-request-0',
        'small/gpu:container-1-request-0',
        'large/gpu:container-2-request-0',
        'large/gpu:container-1-request-0',
      ],
    ],
    [
      'what a sidecar holds already is not for those that come after it',
      made([sidecar('first', 2), ends('init', 1)], [asks('a', {})]),
      ['container-0-request-0:gpusx2', 'container-1-request-0:gpusx1'],
      ['first/gpu:container-0-request-0', 'init/gpu:container-1-request-0'],
    ],
    ['who asks for nothing has none', made([], [asks('a', { cpu: '1' })]), [], []],
  ])('%s', (_, pod, requests, mappings) => {
    expect(told(pod)).toEqual({ requests, mappings });
  });
});

describe('the class behind a resource', () => {
  const classes = new Store<ReturnType<typeof makeClass>>();
  const all = [
    makeClassOf(gpu, 'old', '2025-01-01T00:00:00Z'),
    makeClassOf(gpu, 'b', '2026-01-01T00:00:00Z'),
    makeClassOf(gpu, 'a', '2026-01-01T00:00:00Z'),
    makeClass('unnamed'),
  ];
  for (const each of all) classes.put(each.metadata.name!, each);
  const indexed = byResource(classes, () => true);

  it('none without the gate', () => {
    expect(
      classOf(
        gpu,
        byResource(classes, () => false),
      ),
    ).toBeUndefined();
  });

  it.each([
    [gpu, 'a'],
    [nic, undefined],
    ['deviceclass.resource.kubernetes.io/unnamed', 'unnamed'],
    ['deviceclass.resource.kubernetes.io/old', 'old'],
    ['deviceclass.resource.kubernetes.io/gone', undefined],
  ])('of %s is %s: the newest, then the first by name, or the one it says', (resource, name) => {
    expect(classOf(resource, indexed)?.metadata.name).toBe(name);
  });
});
