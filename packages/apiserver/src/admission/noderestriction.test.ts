import { execFileSync } from 'node:child_process';
import { StatusError } from '@keelson/api/errors';
import { describe, expect, test } from 'vitest';
import type { IsEnabled } from '../gates.ts';
import { nodeRestriction } from './noderestriction.ts';
import type { AdmissionAttributes, Operation } from './plugin.ts';
import { type FakeWorld, fakeWorld, pod, request } from './testing.ts';

const user = { name: 'system:node:n', uid: '', groups: ['system:nodes'], extra: {} };

async function admit(
  operation: Operation,
  resource: string,
  object: object | undefined,
  more: Partial<AdmissionAttributes> = {},
  world: FakeWorld = worldOfNode(),
) {
  const plugin = nodeRestriction(world);
  const attributes = request(operation, resource, object, { user, ...more });
  if (plugin.handles(operation, resource, attributes.subresource)) await plugin.mutate!(attributes);
}

function worldOfNode(isEnabled?: IsEnabled): FakeWorld {
  const world = fakeWorld(() => ({ decision: 'no-opinion', reason: '' }), isEnabled);
  world.objects.put('nodes', { metadata: { name: 'n', uid: 'u' } });
  world.objects.put('pods', { metadata: { name: 'mine', namespace: 'ns', uid: 'm' }, spec: { nodeName: 'n' } });
  world.objects.put('pods', { metadata: { name: 'theirs', namespace: 'ns', uid: 't' }, spec: { nodeName: 'x' } });
  return world;
}

const owner = { apiVersion: 'v1', kind: 'Node', name: 'n', uid: 'u', controller: true };
const mirror = (spec: object = {}, metadata: object = {}) =>
  pod(
    { nodeName: 'n', ...spec },
    { annotations: { 'kubernetes.io/config.mirror': 'x' }, ownerReferences: [owner], ...metadata },
  );

describe('pods', () => {
  test.each([
    [
      pod({ nodeName: 'n' }),
      'pod does not have "kubernetes.io/config.mirror" annotation, node "n" can only create mirror pods',
    ],
    [mirror({ nodeName: 'x' }), 'node "n" can only create pods with spec.nodeName set to itself'],
    [mirror({}, { ownerReferences: [] }), 'node "n" can only create pods with an owner reference set to itself'],
    [
      mirror({}, { ownerReferences: [owner, owner] }),
      'node "n" can only create pods with a single owner reference set to itself',
    ],
    [
      mirror({}, { ownerReferences: [{ ...owner, controller: false }] }),
      'node "n" can only create pods with a controller owner reference set to itself',
    ],
    [
      mirror({}, { ownerReferences: [{ ...owner, blockOwnerDeletion: true }] }),
      'node "n" must not set blockOwnerDeletion on an owner reference',
    ],
    [mirror({}, { ownerReferences: [{ ...owner, uid: 'old' }] }), 'node n UID mismatch: expected old got u'],
    [mirror({ serviceAccountName: 'sa' }), 'node "n" can not create pods that reference serviceaccounts'],
    [
      mirror({ volumes: [{ name: 'v', csi: { driver: 'd' } }] }),
      'node "n" can not create pods that reference csidrivers (via CSI volumes)',
    ],
  ])('created: %#', async (given, problem) => {
    await expect(admit('CREATE', 'pods', given)).rejects.toThrow(`pods "p" is forbidden: ${problem}`);
  });

  test('of its own may be made, deleted and evicted', async () => {
    await admit('CREATE', 'pods', mirror({ volumes: [{ name: 'v', emptyDir: {} }] }));
    await admit('DELETE', 'pods', undefined, { name: 'mine' });
    await admit('CREATE', 'pods', { metadata: { name: 'mine' } }, { subresource: 'eviction' });
    await expect(admit('DELETE', 'pods', undefined, { name: 'theirs' })).rejects.toThrow(
      'node "n" can only delete pods with spec.nodeName set to itself',
    );
    await expect(
      admit('CREATE', 'pods', { metadata: { name: 'theirs' } }, { subresource: 'eviction' }),
    ).rejects.toThrow('node n can only evict pods with spec.nodeName set to itself');
    await expect(admit('DELETE', 'pods', undefined, { name: 'gone' })).rejects.toThrow('pod "gone" not found');
    await expect(admit('UPDATE', 'pods', mirror())).rejects.toThrow('unexpected operation "UPDATE"');
  });

  test('get their status from their node, and nothing else with it', async () => {
    const status = (old: object, next: object) =>
      admit('UPDATE', 'pods', pod({ nodeName: 'n' }, next), {
        subresource: 'status',
        oldObject: pod({ nodeName: 'n' }, old) as never,
      });
    await status({ labels: {} }, {});
    await expect(status({}, { labels: { a: 'b' } })).rejects.toThrow(
      'node "n" cannot update labels through pod status',
    );
  });
});

describe('its own node', () => {
  const labels = (...keys: string[]) => ({ labels: Object.fromEntries(keys.map((k) => [k, 'v'])) });
  test('carries labels of kubelets only', async () => {
    await admit('CREATE', 'nodes', {
      metadata: { name: 'n', ...labels('kubernetes.io/hostname', 'example.com/x', 'foo.node.kubernetes.io/y') },
    });
    await expect(
      admit('CREATE', 'nodes', {
        metadata: { name: 'n', ...labels('node-restriction.kubernetes.io/x', 'a.k8s.io/b') },
      }),
    ).rejects.toThrow(
      'node "n" is not allowed to set the following labels: a.k8s.io/b, node-restriction.kubernetes.io/x',
    );
    const oldObject = { metadata: { name: 'n', ...labels('kubernetes.io/other') } };
    await expect(admit('UPDATE', 'nodes', { metadata: { name: 'n' } }, { oldObject })).rejects.toThrow(
      'is not allowed to modify labels: kubernetes.io/other',
    );
  });
  test('is not tainted by itself', async () => {
    const oldObject = { metadata: { name: 'n' }, spec: { taints: [] } };
    await admit('UPDATE', 'nodes', { metadata: { name: 'n' }, spec: {} }, { oldObject });
    const spec = { taints: [{ key: 'a', effect: 'NoSchedule' }] };
    await expect(admit('UPDATE', 'nodes', { metadata: { name: 'n' }, spec }, { oldObject })).rejects.toThrow(
      'is not allowed to modify taints',
    );
  });
  test('is the only one that it writes', async () => {
    await expect(admit('UPDATE', 'nodes', { metadata: { name: 'x' } })).rejects.toThrow(
      'node "n" is not allowed to modify node "x"',
    );
    await expect(
      admit('CREATE', 'leases.coordination.k8s.io', { metadata: { name: 'x' } }, { namespace: 'kube-node-lease' }),
    ).rejects.toThrow(
      'leases.coordination.k8s.io "x" is forbidden: can only access node lease with the same name as the requesting node',
    );
    await expect(admit('CREATE', 'csinodes.storage.k8s.io', { metadata: { name: 'x' } })).rejects.toThrow(
      'can only access CSINode',
    );
    await expect(
      admit('CREATE', 'resourceslices.resource.k8s.io', { metadata: { name: 'x' }, spec: {} }),
    ).rejects.toThrow('can only create ResourceSlice with the same NodeName as the requesting node');
    await admit('CREATE', 'resourceslices.resource.k8s.io', { metadata: { name: 'x' }, spec: { nodeName: 'n' } });
  });
});

describe('tokens', () => {
  const asks = (boundObjectRef: object | undefined, audiences: string[] = [], world = worldOfNode()) =>
    admit(
      'CREATE',
      'serviceaccounts',
      { metadata: {}, spec: { boundObjectRef, audiences } },
      { name: 'sa', subresource: 'token' },
      world,
    );
  const bound = (name: string, uid?: string) => ({ apiVersion: 'v1', kind: 'Pod', name, ...(uid ? { uid } : {}) });

  test.each([
    [undefined, 'node requested token not bound to a pod'],
    [bound('mine'), 'node requested token with a pod binding without a uid'],
    [
      bound('mine', 'old'),
      'the UID in the bound object reference (old) does not match the UID in record. The object might have been deleted and then recreated',
    ],
    [bound('theirs', 't'), 'node requested token bound to a pod scheduled on a different node'],
    [
      bound('mine', 'm'),
      'audience "" not found in pod spec volume, system:node:n is not authorized to request tokens for this audience',
    ],
  ])('bound to %j are refused', async (ref, problem) => {
    await expect(asks(ref)).rejects.toThrow(`serviceaccounts "sa" is forbidden: ${problem}`);
  });

  test('are for audiences that the pod or its drivers name', async () => {
    const world = worldOfNode();
    const volumes = [
      { name: 'a', projected: { sources: [{ serviceAccountToken: { path: 't', audience: 'vault' } }] } },
      { name: 'b', csi: { driver: 'd' } },
    ];
    world.objects.put('pods', {
      metadata: { name: 'mine', namespace: 'ns', uid: 'm' },
      spec: { nodeName: 'n', volumes },
    });
    world.objects.put('csidrivers.storage.k8s.io', {
      metadata: { name: 'd' },
      spec: { tokenRequests: [{ audience: 'disk' }] },
    });
    await asks(bound('mine', 'm'), ['vault'], world);
    await asks(bound('mine', 'm'), ['disk'], world);
    await expect(asks(bound('mine', 'm'), ['x'], world)).rejects.toThrow('audience "x" not found in pod spec volume');
    await expect(asks(bound('mine', 'm'), ['x', 'y'], world)).rejects.toThrow('node may only request 0 or 1 audiences');
  });

  test('are for any audience without the gate that restricts them, and for its own pods still', async () => {
    const world = worldOfNode((gate) => gate !== 'ServiceAccountNodeAudienceRestriction');
    await asks(bound('mine', 'm'), ['x', 'y'], world);
    await expect(asks(bound('theirs', 't'), ['x'], world)).rejects.toThrow('a pod scheduled on a different node');
  });
});

test('certificates are asked for in its own name', async () => {
  const csr = (name: string): string => {
    const args = [
      'req',
      '-new',
      '-newkey',
      'ec',
      '-pkeyopt',
      'ec_paramgen_curve:P-256',
      '-nodes',
      '-keyout',
      '/dev/null',
      '-subj',
      `/O=system:nodes/CN=${name}`,
    ];
    return execFileSync('openssl', args, { stdio: ['ignore', 'pipe', 'ignore'] }).toString('base64');
  };
  const asks = (req: string, isEnabled?: IsEnabled) =>
    admit(
      'CREATE',
      'certificatesigningrequests.certificates.k8s.io',
      { metadata: {}, spec: { signerName: 'kubernetes.io/kubelet-serving', request: req } },
      {},
      worldOfNode(isEnabled),
    );
  await asks(csr('system:node:n'));
  await expect(asks(csr('system:node:x'))).rejects.toThrow('can only create a node CSR with CN=system:node:n');
  await asks(csr('system:node:x'), (gate) => gate === 'AllowInsecureKubeletCertificateSigningRequests');
  await expect(asks('bm9wZQ==')).rejects.toThrow('unable to parse csr: PEM block type must be CERTIFICATE REQUEST');
});

describe('certificates of pods', () => {
  const asked = {
    nodeName: 'n',
    nodeUID: 'u',
    podName: 'mine',
    podUID: 'm',
    serviceAccountName: 'sa',
    serviceAccountUID: 's',
  };
  const setUp = (isEnabled: IsEnabled = () => true): FakeWorld => {
    const world = worldOfNode(isEnabled);
    const account = { serviceAccountName: 'sa' };
    const annotations = { 'kubernetes.io/config.mirror': 'x' };
    const put = (name: string, spec: object, metadata: object = {}) =>
      world.objects.put('pods', { metadata: { name, namespace: 'ns', uid: 'm', ...metadata }, spec } as never);
    put('mine', { nodeName: 'n', ...account });
    put('theirs', { nodeName: 'x', ...account });
    put('mirror', { nodeName: 'n', ...account }, { annotations });
    put('homeless', { nodeName: 'n', serviceAccountName: 'gone' });
    world.objects.put('serviceaccounts', { metadata: { name: 'sa', namespace: 'ns', uid: 's' } });
    return world;
  };
  const asks = (spec: object, world = setUp()) =>
    admit(
      'CREATE',
      'podcertificaterequests.certificates.k8s.io',
      { metadata: { namespace: 'ns' }, spec: { ...asked, ...spec } },
      { namespace: 'ns' },
      world,
    );

  test('are asked for by the node that a pod runs on', async () => {
    await asks({});
    await expect(
      asks(
        {},
        setUp(() => false),
      ),
    ).rejects.toThrow('PodCertificateRequest feature gate is disabled');
    const update = admit('UPDATE', 'podcertificaterequests.certificates.k8s.io', {}, {}, setUp());
    await expect(update).rejects.toThrow('unexpected operation UPDATE');
  });

  test.each([
    [{ nodeName: 'x' }, 'PodCertificateRequest.Spec.NodeName="x", which is not the requesting node "n"'],
    [{ podName: 'theirs' }, 'pod "ns/theirs" is not running on node "n" named in the PodCertificateRequest'],
    [{ podName: 'mirror' }, 'pod "ns/mirror" is a mirror pod'],
    [
      { serviceAccountName: 'x' },
      'PodCertificateRequest for pod "ns/mine" contains serviceAccountName ("x") that differs from running pod ("sa")',
    ],
  ])('are refused of %j', async (spec, message) => {
    await expect(asks(spec)).rejects.toMatchObject({ code: 403, message: expect.stringContaining(message) });
  });

  test.each([
    [
      { nodeUID: 'old' },
      'PodCertificateRequest for pod "ns/mine" names node UID "old", inconsistent with the running node ("u")',
    ],
    [{ podName: 'x' }, 'while retrieving pod "ns/x" named in the PodCertificateRequest: pod "x" not found'],
    [
      { podUID: 'old' },
      'PodCertificateRequest for pod "ns/mine" contains pod UID ("old") which differs from running pod "m"',
    ],
    [
      { podName: 'homeless', serviceAccountName: 'gone' },
      'while retrieving service account "ns/gone" named in the PodCertificateRequest: serviceaccount "gone" not found',
    ],
    [
      { serviceAccountUID: 'old' },
      'PodCertificateRequest for pod "ns/mine" names service account UID "old", which differs from the running service account ("s")',
    ],
  ])('may be there in a moment of %j, which is no refusal', async (spec, message) => {
    const thrown = await asks(spec).catch((error: unknown) => error);
    expect(thrown).not.toBeInstanceOf(StatusError);
    expect(thrown).toMatchObject({ message });
  });
});

test('others are left alone', async () => {
  await admit('CREATE', 'pods', pod(), { user: { ...user, groups: [] } });
  await admit('CREATE', 'configmaps', { metadata: { name: 'x' } });
});

test.each(['pods', 'configmaps', 'selfsubjectreviews.authentication.k8s.io'])(
  'a node without a name may not write %s',
  async (resource) => {
    await expect(admit('CREATE', resource, pod(), { user: { ...user, name: 'system:node:' } })).rejects.toThrow(
      'could not determine node from user "system:node:"',
    );
  },
);
