import { encodeProtobuf } from '@keelson/api/codec/protobuf';
import { encodeStored } from '@keelson/api/codec/stored';
import { type KubeObject, parseApiVersion } from '@keelson/api/object';
import { typeOfKind } from '@keelson/api/schema';
import { silentLogger } from '@keelson/component/logs/logger';
import { openMemoryStore } from '@keelson/storage/memory/open';
import { expect, it } from 'vitest';
import { enabledGroups } from '../discovery/runtime-config.ts';
import { Resources } from '../resources.ts';
import type { CachedObject } from './cached-objects.ts';
import type { ObjectCodec } from './codec.ts';
import { builtinRegistrations } from './index.ts';

function codecOf(group: string, resource: string): ObjectCodec {
  const store = openMemoryStore();
  const environment = { store, now: () => new Date(0), uuid: () => 'uid', random: () => 0, logger: silentLogger };
  const registrations = builtinRegistrations({
    eventTtlSeconds: 1,
    services: { clusterIPRanges: ['10.0.0.0/24'] } as never,
    namespaceLabels: () => undefined,
    pods: { allowPrivileged: true },
  });
  return new Resources(environment, enabledGroups(), registrations).storeOf(group, resource).codec;
}

function reread(codec: ObjectCodec, value: Uint8Array): CachedObject {
  return codec.cached({ key: '/registry/x/a', value, createRevision: 1, modRevision: 1, version: 1 });
}

type Content = Record<string, unknown>;
const cpu = (averageUtilization: number) => ({
  type: 'Resource',
  resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization } },
});
const scaleTargetRef = { kind: 'Deployment', name: 'a' };
const source = { kind: 'PersistentVolumeClaim', name: 'b' };

const EMPTY_SELECTOR = 'pdb.kubernetes.io/deprecated-v1beta1-empty-selector-match';

it.each<[string, string, string, Content, string, Content]>([
  [
    'storageclasses',
    'storage.k8s.io/v1',
    'StorageClass',
    { provisioner: 'p' },
    'storage.k8s.io/v1',
    { provisioner: 'p', reclaimPolicy: 'Delete', volumeBindingMode: 'Immediate' },
  ],
  [
    'horizontalpodautoscalers',
    'autoscaling/v1',
    'HorizontalPodAutoscaler',
    { spec: { scaleTargetRef, maxReplicas: 3, targetCPUUtilizationPercentage: 50 } },
    'autoscaling/v2',
    { spec: { scaleTargetRef, maxReplicas: 3, minReplicas: 1, metrics: [cpu(50)] } },
  ],
  [
    'horizontalpodautoscalers',
    'autoscaling/v1',
    'HorizontalPodAutoscaler',
    { spec: { scaleTargetRef, maxReplicas: 3 } },
    'autoscaling/v2',
    { spec: { scaleTargetRef, maxReplicas: 3, minReplicas: 1, metrics: [cpu(80)] } },
  ],
  ...[
    [{}, { matchExpressions: [{ key: EMPTY_SELECTOR, operator: 'Exists' }] }],
    [{ matchExpressions: [{ key: EMPTY_SELECTOR, operator: 'DoesNotExist' }] }, {}],
    [{ matchLabels: { a: 'b' } }, { matchLabels: { a: 'b' } }],
  ].map(([selector, wanted]): [string, string, string, Content, string, Content] => [
    'poddisruptionbudgets',
    'policy/v1beta1',
    'PodDisruptionBudget',
    { spec: { selector } },
    'policy/v1',
    { spec: { selector: wanted } },
  ]),
  [
    'services',
    'v1',
    'Service',
    { spec: { clusterIP: '10.0.0.1', type: 'ClusterIP' } },
    'v1',
    { spec: { clusterIP: '10.0.0.1', clusterIPs: ['10.0.0.1'], ipFamilies: ['IPv4'], ipFamilyPolicy: 'SingleStack' } },
  ],
  [
    'services',
    'v1',
    'Service',
    { spec: { clusterIP: 'None', selector: { a: 'b' } } },
    'v1',
    { spec: { clusterIPs: ['None'], ipFamilies: ['IPv4'], ipFamilyPolicy: 'SingleStack' } },
  ],
  [
    'services',
    'v1',
    'Service',
    { spec: { clusterIP: 'None' } },
    'v1',
    { spec: { ipFamilies: ['IPv4', 'IPv6'], ipFamilyPolicy: 'RequireDualStack' } },
  ],
  ['services', 'v1', 'Service', { spec: { type: 'NodePort' } }, 'v1', { spec: { type: 'NodePort' } }],
  ['services', 'v1', 'Service', { spec: { type: 'ExternalName' } }, 'v1', { spec: { type: 'ExternalName' } }],
  [
    'persistentvolumeclaims',
    'v1',
    'PersistentVolumeClaim',
    { spec: { dataSource: source } },
    'v1',
    { spec: { dataSource: source, dataSourceRef: source, volumeMode: 'Filesystem' } },
  ],
])('%s of another release: %s %s %j', (resource, apiVersion, kind, content, wantedVersion, wanted) => {
  const { group, version } = parseApiVersion(apiVersion);
  const written: KubeObject = { kind, apiVersion, metadata: { name: 'a' }, ...content };
  const codec = codecOf(group, resource);
  const cached = reread(codec, encodeProtobuf(written, typeOfKind(group, version, kind)!));
  const object = codec.object(cached);
  expect(object).toMatchObject({ apiVersion: wantedVersion, ...wanted });
  if (resource === 'services' && content.spec && 'type' in (content.spec as object)) {
    const isExternal = (content.spec as { type: string }).type === 'ExternalName';
    expect('internalTrafficPolicy' in (object.spec as object)).toBe(!isExternal);
  }
  expect(JSON.stringify(object)).not.toContain('[]');
  const again = encodeProtobuf(object, typeOfKind(group, parseApiVersion(wantedVersion).version, kind)!);
  expect(codec.object(reread(codec, again))).toEqual(object);
});

it('converts JSON of another version, and leaves that of its own as it lies', () => {
  const codec = codecOf('autoscaling', 'horizontalpodautoscalers');
  const spec = { scaleTargetRef, maxReplicas: 3, targetCPUUtilizationPercentage: 50 };
  const kind = 'HorizontalPodAutoscaler';
  const status = { currentReplicas: 0, desiredReplicas: 0 };
  const v1 = encodeStored({ kind, apiVersion: 'autoscaling/v1', metadata: { name: 'a' }, spec, status } as KubeObject);
  const cached = reread(codec, v1);
  expect(codec.object(cached)).toMatchObject({ apiVersion: 'autoscaling/v2', spec: { metrics: [cpu(50)] } });
  expect(reread(codec, Buffer.from(cached.bytes)).bytes).toEqual(cached.bytes);
});

it('encodes in pieces what it encodes at once', () => {
  const codec = codecOf('', 'configmaps');
  const map = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'a' }, data: { x: '1' } } as KubeObject;
  const work = codec.encoding(structuredClone(map));
  let pieces = 1;
  let step = work.next();
  for (; !step.done; step = work.next()) pieces++;
  expect(pieces).toBe(3);
  expect(step.value).toEqual(codec.encode(map));
});

it('keeps what was just encoded, but no more than so many bytes of it', () => {
  const codec = codecOf('', 'configmaps');
  const encoded = Array.from({ length: 40 }, (_, i) => {
    const metadata = { name: `a${i}`, namespace: 'default' };
    return codec.encode({ apiVersion: 'v1', kind: 'ConfigMap', metadata, data: { text: 'x'.repeat(1_000_000) } });
  });
  const isKept = ({ bytes, object }: (typeof encoded)[number]) =>
    codec.shared({ bytes, revision: 1 } as CachedObject) === object;
  const kept = encoded.map(isKept);
  expect(kept.at(-1)).toBe(true);
  expect(kept.filter((each) => each)).toHaveLength(16);
});
