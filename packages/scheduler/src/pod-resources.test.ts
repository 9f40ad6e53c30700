import { expect, test } from 'vitest';
import { podResources } from './pod-resources.ts';
import { container, makePod } from './testing/objects.ts';

test('what pods ask for and may have, with units; nothing of what is zero', async () => {
  const spec = {
    nodeName: 'n',
    schedulerName: 's',
    priority: 7,
    overhead: { 'example.com/x': '1' },
    containers: [container({ cpu: '250m', memory: '1Ki', 'hugepages-2Mi': '2Mi', storage: '0' })],
  };
  spec.containers[0]!.resources!.limits = { 'attachable-volumes-csi': '3' };
  const text = await podResources(() => [makePod('p', { spec })]).text();
  const of = (resource: string, unit: string) =>
    `namespace="default",node="n",pod="p",priority="7",resource="${resource}",scheduler="s",unit="${unit}"`;
  expect(text.match(/^kube.*/gm)).toEqual([
    `kube_pod_resource_limit{${of('attachable-volumes-csi', 'integer')}} 3`,
    `kube_pod_resource_request{${of('cpu', 'cores')}} 0.25`,
    `kube_pod_resource_request{${of('example.com/x', '')}} 1`,
    `kube_pod_resource_request{${of('hugepages-2Mi', 'bytes')}} 2097152`,
    `kube_pod_resource_request{${of('memory', 'bytes')}} 1024`,
  ]);
});
