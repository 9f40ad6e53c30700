import type { Pod } from '@keelson/api/generated/types/core/v1';
import { describe, expect, it } from 'vitest';
import { container, makePod, type PodParts } from '../testing/objects.ts';
import { PodInfo } from './pod-info.ts';
import { podRequests } from './requests.ts';

const sidecar = (requests: Record<string, string>, name = 's') =>
  container(requests, { name, restartPolicy: 'Always' });

describe('what a pod asks for', () => {
  const table: readonly [what: string, parts: PodParts, asked: Record<string, number>][] = [
    ['nothing', {}, {}],
    [
      'containers are summed',
      { spec: { containers: [container({ cpu: '100m' }), container({ cpu: '1', memory: '1Gi' })] } },
      { cpu: 1100, memory: 2 ** 30 },
    ],
    [
      'fractions are rounded up',
      { requests: { memory: '1500m', 'example.com/gpu': '2' } },
      { memory: 2, 'example.com/gpu': 2 },
    ],
    [
      'an init container that asks for more wins',
      {
        requests: { cpu: '1' },
        spec: { initContainers: [container({ cpu: '3', memory: '1' })], containers: [container({ cpu: '1' })] },
      },
      { cpu: 3000, memory: 1 },
    ],
    [
      'init containers run one after the other',
      {
        spec: {
          initContainers: [container({ cpu: '2' }), container({ cpu: '3' })],
          containers: [container({ cpu: '1' })],
        },
      },
      { cpu: 3000 },
    ],
    [
      'sidecars run beside containers',
      { spec: { initContainers: [sidecar({ cpu: '1' })], containers: [container({ cpu: '1' })] } },
      { cpu: 2000 },
    ],
    [
      'and beside init containers that come later',
      {
        spec: {
          initContainers: [container({ cpu: '4' }), sidecar({ cpu: '1' }), container({ cpu: '5' })],
          containers: [container({ cpu: '1' })],
        },
      },
      { cpu: 6000 },
    ],
    [
      'overhead is added',
      {
        requests: { cpu: '1' },
        spec: { containers: [container({ cpu: '1' })], overhead: { cpu: '250m', memory: '64Mi' } },
      },
      { cpu: 1250, memory: 64 * 2 ** 20 },
    ],
    [
      'the pod as a whole counts before its containers',
      {
        spec: {
          containers: [container({ cpu: '1', memory: '1Gi', 'ephemeral-storage': '5' })],
          resources: { requests: { cpu: '3' } },
        },
      },
      { cpu: 3000, memory: 2 ** 30, 'ephemeral-storage': 5 },
    ],
    [
      'while a resize is under way the most counts',
      {
        requests: { cpu: '1' },
        status: {
          containerStatuses: [
            { name: 'c', resources: { requests: { cpu: '2' } }, allocatedResources: { cpu: '3' } },
          ] as unknown as Pod['status']['containerStatuses'] & object,
        },
      },
      { cpu: 3000 },
    ],
    [
      'an infeasible resize does not',
      {
        requests: { cpu: '9' },
        status: {
          conditions: [{ type: 'PodResizePending', status: 'True', reason: 'Infeasible' }],
          containerStatuses: [
            { name: 'c', resources: { requests: { cpu: '2' } }, allocatedResources: { cpu: '1' } },
          ] as unknown as Pod['status']['containerStatuses'] & object,
        },
      },
      { cpu: 2000 },
    ],
  ];
  it.each(table)('%s', (_, parts, asked) => {
    expect(Object.fromEntries(podRequests(makePod('p', parts)))).toEqual(asked);
  });

  it('makes up what containers leave out, to compare nodes', () => {
    const pod = makePod('p', { spec: { containers: [container({ cpu: '1' }), container({})] } });
    const { milliCpu, memory } = new PodInfo(pod).nonZeroRequests;
    expect([milliCpu, memory]).toEqual([1100, 400 * 2 ** 20]);
  });

  it('does not make up for containers what the pod asks for as a whole', () => {
    const pod = makePod('p', {
      spec: { containers: [container({}), container({})], resources: { requests: { cpu: '1' } } },
    });
    const { milliCpu, memory } = new PodInfo(pod).nonZeroRequests;
    expect([milliCpu, memory]).toEqual([1000, 400 * 2 ** 20]);
  });
});
