import type { PodCertificateRequest } from '@keelson/api/generated/types/certificates/v1beta1';
import type { PersistentVolume, Pod } from '@keelson/api/generated/types/core/v1';
import type { ResourceSlice } from '@keelson/api/generated/types/resource/v1';
import type { VolumeAttachment } from '@keelson/api/generated/types/storage/v1';
import { beforeEach, describe, expect, test } from 'vitest';
import { nodeRules } from '../../bootstrap/rbac.ts';
import { type IsEnabled, isEnabledByDefault } from '../../gates.ts';
import { type Attributes, type Decision, resourceAttributes } from '../attributes.ts';
import { selectorAttributes } from '../selectors.ts';
import { NodeGraph } from './graph.ts';
import { nodeAuthorizer } from './index.ts';

const user = (node: string) => ({ name: `system:node:${node}`, uid: '', groups: ['system:nodes'], extra: {} });

const pod = (name: string, node: string, spec: object = {}, more: object = {}) =>
  ({
    metadata: { name, namespace: 'ns' },
    spec: { nodeName: node, containers: [], ...spec },
    ...more,
  }) as unknown as Pod;

let graph: NodeGraph;
beforeEach(() => {
  graph = new NodeGraph();
});

describe('the graph', () => {
  const leads = (node: string, what: string): boolean => {
    const [kind, namespace, name] = what.split('/') as ['secret', string, string];
    return graph.leadsTo(node, kind, namespace, name);
  };

  test('opens what a pod names', () => {
    const volumes = [
      { name: 'a', secret: { secretName: 's1' } },
      { name: 'b', projected: { sources: [{ configMap: { name: 'c1' } }] } },
      { name: 'c', persistentVolumeClaim: { claimName: 'claim' } },
      { name: 'd', ephemeral: {} },
    ];
    const containers = [{ name: 'c', env: [{ name: 'E', valueFrom: { secretKeyRef: { name: 's2', key: 'k' } } }] }];
    const resourceClaims = [
      { name: 'x', resourceClaimName: 'r1' },
      { name: 'y', resourceClaimTemplateName: 't' },
    ];
    const status = { resourceClaimStatuses: [{ name: 'y', resourceClaimName: 'r2' }] };
    graph.setPod(pod('p', 'n', { serviceAccountName: 'sa', volumes, containers, resourceClaims }, { status }));
    const open = [
      'pod/ns/p',
      'serviceaccount/ns/sa',
      'secret/ns/s1',
      'secret/ns/s2',
      'configmap/ns/c1',
      'pvc/ns/claim',
      'pvc/ns/p-d',
      'resourceclaim/ns/r1',
      'resourceclaim/ns/r2',
    ];
    for (const what of open) {
      expect(leads('n', what), what).toBe(true);
      expect(leads('other', what), what).toBe(false);
    }
    expect(leads('n', 'secret/other/s1')).toBe(false);
    graph.deletePod('ns', 'p');
    for (const what of open) expect(leads('n', what), what).toBe(false);
  });

  test('keeps what another pod still needs', () => {
    const volumes = [{ name: 'a', secret: { secretName: 's' } }];
    graph.setPod(pod('p', 'n', { volumes }));
    graph.setPod(pod('q', 'n', { volumes }));
    graph.setPod(pod('p', 'n'));
    expect(leads('n', 'secret/ns/s')).toBe(true);
    graph.deletePod('ns', 'q');
    expect(leads('n', 'secret/ns/s')).toBe(false);
  });

  test('goes through volumes and their secrets', () => {
    graph.setPod(pod('p', 'n', { volumes: [{ name: 'v', persistentVolumeClaim: { claimName: 'claim' } }] }));
    const csi = {
      nodePublishSecretRef: { name: 'seen', namespace: 'x' },
      controllerPublishSecretRef: { name: 'hidden', namespace: 'x' },
    };
    const rbd = { secretRef: { name: 'home' } };
    const claimRef = { namespace: 'ns', name: 'claim' };
    graph.setVolume({ metadata: { name: 'v' }, spec: { claimRef, csi, rbd } } as unknown as PersistentVolume);
    expect(['pv//v', 'secret/x/seen', 'secret/ns/home', 'secret/x/hidden'].map((w) => leads('n', w))).toEqual([
      true,
      true,
      true,
      false,
    ]);
    graph.deleteVolume('v');
    expect(leads('n', 'secret/x/seen')).toBe(false);
  });

  test('knows attachments and slices', () => {
    graph.setAttachment({ metadata: { name: 'a' }, spec: { nodeName: 'n' } } as VolumeAttachment);
    graph.setSlice({ metadata: { name: 's' }, spec: { nodeName: 'n' } } as ResourceSlice);
    expect([leads('n', 'volumeattachment//a'), leads('n', 'resourceslice//s')]).toEqual([true, true]);
    graph.deleteAttachment('a');
    graph.deleteSlice('s');
    expect([leads('n', 'volumeattachment//a'), leads('n', 'resourceslice//s')]).toEqual([false, false]);
  });

  test('lets mirror pods open nothing', () => {
    const mirror = pod('m', 'n', { volumes: [{ name: 'a', secret: { secretName: 's' } }] });
    mirror.metadata.annotations = { 'kubernetes.io/config.mirror': 'x' };
    graph.setPod(mirror);
    expect([leads('n', 'pod/ns/m'), leads('n', 'secret/ns/s')]).toEqual([true, false]);
  });
});

describe('a node', () => {
  const ask = (what: string, more: Partial<Attributes> = {}, isEnabled: IsEnabled = isEnabledByDefault): Decision => {
    const [verb, path] = what.split(' ') as [string, string];
    const [resource = '', name = ''] = path.split(':');
    const [plural, subresource = ''] = resource.split('/') as [string, string?];
    const [bare, ...group] = plural.split('.');
    graph.setPod(pod('p', 'n', { serviceAccountName: 'sa', volumes: [{ name: 'a', secret: { secretName: 's' } }] }));
    const attributes = {
      user: user('n'),
      verb,
      resource: bare!,
      apiGroup: group.join('.'),
      subresource,
      name,
      namespace: 'ns',
      ...more,
    };
    return nodeAuthorizer(graph, nodeRules(isEnabled), isEnabled).authorize(resourceAttributes(attributes)) as Decision;
  };
  const unrelated = "no relationship found between node 'n' and this object";

  test.each([
    'get secrets:s',
    'watch secrets:s',
    'get pods:p',
    'create pods',
    'patch pods/status:p',
    'create pods/eviction:p',
    'create serviceaccounts/token:sa',
    'get serviceaccounts:sa',
    'get nodes:n',
    'create nodes',
    'patch nodes/status:n',
    'list services',
    'create events',
    'create resourceslices.resource.k8s.io',
    'get csinodes.storage.k8s.io:n',
  ])('may %s', (what) => {
    expect(ask(what).decision).toBe('allow');
  });

  test.each([
    ['get secrets:other', unrelated],
    ['list secrets', 'No Object name found'],
    ['create secrets', 'can only read resources of this type'],
    ['get configmaps/x:c', 'cannot read subresource'],
    ['list persistentvolumeclaims', 'can only get individual resources of this type'],
    ['patch persistentvolumeclaims/status:c', unrelated],
    ['get persistentvolumeclaims/status:c', 'can only get/update/patch this type'],
    ['list serviceaccounts', 'can only create tokens for individual service accounts'],
    ['create serviceaccounts/x:sa', 'can only create token subresource of serviceaccount'],
    ['get leases.coordination.k8s.io:n', 'can only access leases in the "kube-node-lease" system namespace'],
    ['list leases.coordination.k8s.io', 'can only get, create, update, patch, or delete a node lease'],
    ['get csinodes.storage.k8s.io:x', 'can only access CSINode with the same name as the requesting node'],
    ['list nodes', "node 'n' cannot read all nodes, only its own Node object"],
    ['get nodes:x', "node 'n' cannot read 'x', only its own Node object"],
    ['list pods', 'can only list/watch pods with spec.nodeName field selector'],
    [
      'list resourceslices.resource.k8s.io',
      'can only list/watch/deletecollection resourceslices with nodeName field selector',
    ],
    ['delete nodes:n', ''],
    ['get pods/log:p', ''],
    ['get deployments.apps', ''],
    ['list podcertificaterequests.certificates.k8s.io', ''],
  ])('may not %s', (what, reason) => {
    expect(ask(what)).toEqual({ decision: 'no-opinion', reason });
  });

  test('reads accounts while a kubelet needs to know them', () => {
    const none = (gate: string) =>
      gate !== 'KubeletServiceAccountTokenForCredentialProviders' && gate !== 'PodCertificateRequest';
    expect(ask('get serviceaccounts:sa', {}, none)).toEqual({
      decision: 'no-opinion',
      reason: 'not allowed to get service accounts',
    });
    expect(ask('create serviceaccounts/token:sa', {}, none).decision).toBe('allow');
  });

  test('asks for certificates of pods, and reads its requests, where there are any', () => {
    graph.setCertificateRequest({
      metadata: { name: 'r', namespace: 'ns' },
      spec: { nodeName: 'n' },
    } as PodCertificateRequest);
    const on = (what: string, more: Partial<Attributes> = {}) =>
      ask(what.replace('requests', 'podcertificaterequests.certificates.k8s.io'), more, () => true);
    const own = selectorAttributes('spec.nodeName=n', '');
    for (const [what, more] of [['create requests'], ['get requests:r'], ['list requests', own]] as const)
      expect(on(what, more), what).toMatchObject({ decision: 'allow' });
    const reasons = ['get requests:x', 'list requests', 'delete requests:r', 'update requests/status:r'].map(
      (what) => on(what).reason,
    );
    expect(reasons).toEqual([
      unrelated,
      'can only list/watch podcertificaterequests with nodeName field selector',
      'nodes may not delete podcertificaterequests',
      'nodes may not access the status subresource of PodCertificateRequests',
    ]);
    graph.deleteCertificateRequest('ns', 'r');
    expect(on('get requests:r').reason).toBe(unrelated);
  });

  test('lists what is its own', () => {
    const own = selectorAttributes('spec.nodeName=n', '');
    expect(ask('list pods', own).decision).toBe('allow');
    expect(ask('watch resourceslices.resource.k8s.io', own).decision).toBe('allow');
    expect(ask('list pods', selectorAttributes('spec.nodeName=x', '')).decision).toBe('no-opinion');
    expect(ask('get leases.coordination.k8s.io:n', { namespace: 'kube-node-lease' }).decision).toBe('allow');
  });

  test('is in the group of nodes and has a name', () => {
    expect(ask('get pods:p', { user: { ...user('n'), groups: [] } })).toEqual({ decision: 'no-opinion', reason: '' });
    expect(ask('get pods:p', { user: user('') }).reason).toBe('unknown node for user "system:node:"');
    expect(nodeAuthorizer(graph, [], () => false).rulesFor(user('n'), 'ns')).toMatchObject({ incomplete: true });
  });
});
