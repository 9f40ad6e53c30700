import type { Clock } from '@keelson/api/clock';
import { type Member, Membership } from '@keelson/storage/etcd/membership';
import { expect, onTestFinished, test, vi } from 'vitest';
import { EtcdCluster, etcdEndpoints } from './etcd-cluster.ts';
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

/** Whatever is waited for is due. */
const eager: Clock = {
  now: () => 0,
  after(_, callback) {
    const immediate = setImmediate(callback);
    return () => clearImmediate(immediate);
  },
};

const PEER = 'https://192.0.2.2:2380';
const member = (peerUrl: string): Member => ({
  id: peerUrl,
  name: peerUrl,
  peerUrls: [peerUrl],
  clientUrls: [peerUrl],
  isLearner: false,
});

test.each([
  ['one of two', [PEER, 'https://192.0.2.3:2380'], 0, true],
  ['one of two, done without an answer', [PEER, 'https://192.0.2.3:2380'], 1, true],
  ['the only one, which stays', [PEER], 0, false],
  ['none', ['https://192.0.2.3:2380', 'https://192.0.2.4:2380'], 0, false],
])('who leaves was %s', async (_, urls, unanswered, expected) => {
  let members = urls.map(member);
  let silent = unanswered;
  const fake = {
    list: async () => members,
    remove: async (id: string) => {
      members = members.filter((each) => each.id !== id);
      if (silent-- > 0) throw new Error('context deadline exceeded');
    },
    close: () => undefined,
  };
  const open = vi.spyOn(Membership, 'open').mockResolvedValue(fake as unknown as Membership);
  onTestFinished(() => open.mockRestore());
  const { context } = testInstallation('', { clock: eager });
  const etcd = await EtcdCluster.open(context, [PEER]);
  expect(await etcd.remove(PEER)).toBe(expected);
});
