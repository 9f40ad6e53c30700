import type { KubeObject } from '@keelson/api/object';
import { expect, it } from 'vitest';
import type { VirtualRequest } from '../../../handlers/virtual.ts';
import type { ResourceStore } from '../../store.ts';
import { bindingKind } from './binding.ts';

const binding = {
  metadata: { name: 'a', labels: { zone: 'z' }, annotations: { of: 'binding' } },
  target: { name: 'n1' },
} as unknown as KubeObject;
const request = { name: 'a', namespace: 'ns', now: new Date(0), admit: async () => {} } as unknown as VirtualRequest;

it.each([
  ['PodTopologyLabelsAdmission', { nominatedNodeName: 'n1', labels: { zone: 'z' } }],
  ['ClearingNominatedNodeNameAfterBinding', { nominatedNodeName: undefined, labels: undefined }],
])('a pod is bound with %s alone', async (only, { nominatedNodeName, labels }) => {
  const pod = { metadata: { name: 'a' }, spec: {}, status: { nominatedNodeName: 'n1' } };
  const pods = {
    change: async ({ change }: { change: (stored: unknown) => void }) => change(pod),
  } as unknown as ResourceStore;
  await bindingKind({ pods: () => pods, isEnabled: (gate) => gate === only }).create(request, binding);
  expect(pod.spec).toEqual({ nodeName: 'n1' });
  expect(pod.metadata).toEqual({ name: 'a', annotations: { of: 'binding' }, ...(labels && { labels }) });
  expect(pod.status.nominatedNodeName).toBe(nominatedNodeName);
});
