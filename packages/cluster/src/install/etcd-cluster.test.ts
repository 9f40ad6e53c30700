import { expect, test } from 'vitest';
import { etcdEndpoints } from './etcd-cluster.ts';
import { testInstallation } from './testing.ts';

const pod = (name: string, annotations: object) => ({ metadata: { namespace: 'kube-system', name, annotations } });
const slice = {
  metadata: { namespace: 'default', name: 'kubernetes' },
  endpoints: [{ addresses: ['10.0.0.1'] }, { addresses: ['fd00::2'] }],
};

test.each<[string, readonly (readonly [string, object])[], string[]]>([
  ['nobody', [], []],
  ['API servers', [['endpointslices.discovery.k8s.io', slice]], ['https://10.0.0.1:2379', 'https://[fd00::2]:2379']],
  [
    'pods, which know better',
    [
      ['endpointslices.discovery.k8s.io', slice],
      ['pods', pod('etcd-m1', { 'kubeadm.kubernetes.io/etcd.advertise-client-urls': 'https://10.0.0.9:2379' })],
    ],
    ['https://10.0.0.9:2379'],
  ],
])('etcd is known by %s', async (_, present, expected) => {
  const { context, objects } = testInstallation();
  for (const [resource, object] of present) {
    const { namespace, name } = (object as typeof slice).metadata;
    objects.set(`${resource} ${namespace}/${name}`, object);
  }
  expect(await etcdEndpoints(await context.api())).toEqual(expected);
});
