import type { KubeObject } from '@keelson/api/object';
import { describe, expect, it } from 'vitest';
import { type Gate, type IsEnabled, isEnabledByDefault } from '../gates.ts';
import { builtinRegistrations } from './index.ts';
import type { ViewSubresource } from './strategy.ts';
import { testContext } from './testing.ts';

const ctx = testContext();
const registrations = (isEnabled: IsEnabled) =>
  builtinRegistrations({
    eventTtlSeconds: 1,
    services: { clusterIPRanges: ['10.0.0.0/24'] } as never,
    namespaceLabels: () => undefined,
    pods: { allowPrivileged: true },
    isEnabled,
  });
/** As by default but for one gate. */
const having =
  (gate: Gate, value: boolean): IsEnabled =>
  (name) =>
    name === gate ? value : isEnabledByDefault(name);
const containers = [{ name: 'c', image: 'i', resources: {} }];
const pod = (spec: object) => ({ metadata: { name: 'a' }, spec: { containers, ...spec }, status: {} });
const signalled = [{ ...containers[0], lifecycle: { stopSignal: 'SIGUSR1' } }];
const elsewhere = { apiGroup: 'example.com', kind: 'Copy', name: 'x', namespace: 'other' };
const set = (updateStrategy: object, spec: object = {}) => ({
  metadata: { name: 'a' },
  spec: {
    selector: { matchLabels: { a: 'b' } },
    serviceName: 's',
    updateStrategy,
    template: { metadata: { labels: { a: 'b' } }, spec: { containers, ...spec } },
  },
  status: {},
});

/** What is kept of an object that is made. */
function made(resource: string, object: object, isEnabled: IsEnabled): KubeObject {
  const { strategy } = registrations(isEnabled)[resource]!;
  const copy = structuredClone(object) as KubeObject;
  strategy.defaults?.(copy as never, copy.apiVersion?.split('/').at(-1) ?? 'v1');
  strategy.prepareForCreate?.(ctx, copy as never);
  return copy;
}

/** What is kept of an object when it is written as it is. */
function rewritten(
  resource: string,
  object: KubeObject,
  isEnabled: IsEnabled,
  old: KubeObject = object,
  view?: string,
): KubeObject {
  const { strategy, subresources } = registrations(isEnabled)[resource]!;
  const [copy, before] = structuredClone([object, old]) as [KubeObject, KubeObject];
  const rules = view === undefined ? strategy : (subresources![view] as ViewSubresource).strategy;
  rules.prepareForUpdate?.(ctx, copy as never, before as never);
  return copy;
}

/** What stands at the end of a way of names and places, `a.0.b`. */
const at = (object: unknown, way: string): unknown =>
  way.split('.').reduce((value, name) => (value as Record<string, unknown> | undefined)?.[name], object);

describe('fields that are there by gates alone', () => {
  const spread = { maxSkew: 1, topologyKey: 'zone', whenUnsatisfiable: 'DoNotSchedule', labelSelector: {} };
  const rules = [{ action: 'Restart', exitCodes: { operator: 'In', values: [3] } }];
  const bare = { metadata: { name: 'a' }, spec: {}, status: {} };
  const claim = (request: object) => ({ ...bare, spec: { devices: { requests: [request] } } });
  const slice = (device: object) => ({ ...bare, spec: { devices: [device] } });
  const prioritized = { name: 'p', allocationMode: 'ExactCount', count: 1 };
  const toleration = { key: 'k', operator: 'Exists' };
  const taint = { key: 'k', effect: 'NoSchedule', timeAdded: '2026-01-02T03:04:05Z' };
  const fromFile = { name: 'A', valueFrom: { fileKeyRef: { volumeName: 'v', path: 'p', key: 'A', optional: false } } };

  const claims = [{ name: 'c', resourceClaimName: 'r' }];
  const projected = (source: object) => ({ name: 'v', projected: { sources: [source] } });
  const certificate = { signerName: 's.io/s', keyType: 'ED25519', keyPath: 'k' };

  it.each<[Gate, string, object, string, unknown, unknown]>([
    [
      'MaxUnavailableStatefulSet',
      'statefulsets.apps',
      set({ type: 'RollingUpdate', rollingUpdate: { maxUnavailable: 3 } }),
      'spec.updateStrategy.rollingUpdate',
      { partition: 0 },
      { partition: 0, maxUnavailable: 3 },
    ],
    [
      'MaxUnavailableStatefulSet',
      'statefulsets.apps',
      set({}),
      'spec.updateStrategy.rollingUpdate',
      { partition: 0 },
      { partition: 0, maxUnavailable: 1 },
    ],
    [
      'ContainerStopSignals',
      'pods',
      pod({ os: { name: 'linux' }, containers: signalled }),
      'spec.containers.0.lifecycle',
      undefined,
      { stopSignal: 'SIGUSR1' },
    ],
    [
      'CrossNamespaceVolumeDataSource',
      'persistentvolumeclaims',
      { metadata: { name: 'a' }, spec: { dataSourceRef: elsewhere }, status: {} },
      'spec.dataSourceRef',
      undefined,
      elsewhere,
    ],
    ...(['persistentvolumes', 'persistentvolumeclaims'] as const).map(
      (resource): [Gate, string, object, string, unknown, unknown] => [
        'VolumeAttributesClass',
        resource,
        { ...bare, spec: { volumeAttributesClassName: 'gold' } },
        'spec.volumeAttributesClassName',
        undefined,
        'gold',
      ],
    ),
    [
      'ContainerRestartRules',
      'pods',
      pod({ containers: [{ ...containers[0], restartPolicy: 'Never', restartPolicyRules: rules }] }),
      'spec.containers.0.restartPolicyRules',
      undefined,
      rules,
    ],
    [
      'ContainerRestartRules',
      'pods',
      pod({ initContainers: [{ ...containers[0], restartPolicy: 'OnFailure' }] }),
      'spec.initContainers.0.restartPolicy',
      undefined,
      'OnFailure',
    ],
    [
      'EnvFiles',
      'pods',
      pod({ containers: [{ ...containers[0], env: [fromFile] }] }),
      'spec.containers.0.env.0.valueFrom',
      {},
      fromFile.valueFrom,
    ],
    ['DynamicResourceAllocation', 'pods', pod({ resourceClaims: claims }), 'spec.resourceClaims', undefined, claims],
    [
      'DynamicResourceAllocation',
      'pods',
      pod({ resourceClaims: claims, containers: [{ ...containers[0], resources: { claims: [{ name: 'c' }] } }] }),
      'spec.containers.0.resources',
      {},
      { claims: [{ name: 'c' }] },
    ],
    [
      'ClusterTrustBundleProjection',
      'pods',
      pod({ volumes: [projected({ clusterTrustBundle: { name: 'b', path: 'p' } })] }),
      'spec.volumes.0.projected.sources.0',
      {},
      { clusterTrustBundle: { name: 'b', path: 'p' } },
    ],
    [
      'PodCertificateRequest',
      'pods',
      pod({ volumes: [projected({ podCertificate: certificate })] }),
      'spec.volumes.0.projected.sources.0',
      {},
      { podCertificate: certificate },
    ],
    [
      'GenericWorkload',
      'pods',
      pod({ schedulingGroup: { podGroupName: 'g' } }),
      'spec.schedulingGroup',
      undefined,
      { podGroupName: 'g' },
    ],
    ['HostnameOverride', 'pods', pod({ hostnameOverride: 'h' }), 'spec.hostnameOverride', undefined, 'h'],
    [
      'MatchLabelKeysInPodTopologySpread',
      'pods',
      pod({ topologySpreadConstraints: [{ ...spread, matchLabelKeys: ['k'] }] }),
      'spec.topologySpreadConstraints.0.matchLabelKeys',
      undefined,
      ['k'],
    ],
    [
      'MatchLabelKeysInPodTopologySpreadSelectorMerge',
      'pods',
      {
        ...pod({ topologySpreadConstraints: [{ ...spread, matchLabelKeys: ['k'] }] }),
        metadata: { name: 'a', labels: { k: 'v' } },
      },
      'spec.topologySpreadConstraints.0.labelSelector',
      {},
      { matchExpressions: [{ key: 'k', operator: 'In', values: ['v'] }] },
    ],
    [
      'HPAConfigurableTolerance',
      'horizontalpodautoscalers.autoscaling',
      {
        apiVersion: 'autoscaling/v2',
        metadata: { name: 'a' },
        spec: { scaleTargetRef: {}, maxReplicas: 2, behavior: { scaleUp: { tolerance: '0.2' } } },
        status: {},
      },
      'spec.behavior.scaleUp.tolerance',
      undefined,
      '0.2',
    ],
    [
      'NodeDeclaredFeatures',
      'nodes',
      { ...bare, status: { declaredFeatures: ['F'] } },
      'status.declaredFeatures',
      undefined,
      ['F'],
    ],
    [
      'ServiceCIDRStatusFieldWiping',
      'servicecidrs.networking.k8s.io',
      { ...bare, status: { conditions: [] } },
      'status',
      { conditions: [] },
      {},
    ],
    [
      'DRAExtendedResource',
      'deviceclasses.resource.k8s.io',
      { ...bare, spec: { extendedResourceName: 'a/b' } },
      'spec.extendedResourceName',
      undefined,
      'a/b',
    ],
    [
      'DRAPrioritizedList',
      'resourceclaims.resource.k8s.io',
      claim({ firstAvailable: [prioritized] }),
      'spec.devices.requests.0.firstAvailable',
      undefined,
      [prioritized],
    ],
    [
      'DRADeviceTaints',
      'resourceclaims.resource.k8s.io',
      claim({ exactly: { tolerations: [toleration] } }),
      'spec.devices.requests.0.exactly.tolerations',
      undefined,
      [toleration],
    ],
    [
      'DRAConsumableCapacity',
      'resourceclaimtemplates.resource.k8s.io',
      { ...bare, spec: claim({ firstAvailable: [{ ...prioritized, capacity: { requests: { m: '1' } } }] }) },
      'spec.spec.devices.requests.0.firstAvailable.0.capacity',
      undefined,
      { requests: { m: '1' } },
    ],
    [
      'DRADeviceTaints',
      'resourceslices.resource.k8s.io',
      slice({ taints: [taint] }),
      'spec.devices.0.taints',
      undefined,
      [taint],
    ],
    [
      'DRAPartitionableDevices',
      'resourceslices.resource.k8s.io',
      slice({ allNodes: true }),
      'spec.devices.0.allNodes',
      undefined,
      true,
    ],
    [
      'DRADeviceBindingConditions',
      'resourceslices.resource.k8s.io',
      slice({ bindsToNode: true }),
      'spec.devices.0.bindsToNode',
      undefined,
      true,
    ],
    [
      'DRAConsumableCapacity',
      'resourceslices.resource.k8s.io',
      slice({ capacity: { m: { value: '1', requestPolicy: {} } } }),
      'spec.devices.0.capacity.m',
      { value: '1' },
      { value: '1', requestPolicy: {} },
    ],
    [
      'PodLevelResources',
      'pods',
      pod({ resources: { limits: { cpu: '1' } } }),
      'spec.resources',
      undefined,
      { limits: { cpu: '1' }, requests: { cpu: '1' } },
    ],
    [
      'PodLevelResources',
      'pods',
      pod({ resources: { limits: { cpu: '1', memory: '1Gi' } } }),
      'status.qosClass',
      'BestEffort',
      'Guaranteed',
    ],
    [
      'PodLevelResources',
      'statefulsets.apps',
      set({}, { resources: { limits: { cpu: '1' } } }),
      'spec.template.spec.resources',
      undefined,
      { limits: { cpu: '1' } },
    ],
  ])('%s: %s', (gate, resource, object, way, off, on) => {
    const whole = made(resource, object, having(gate, true));
    expect(at(made(resource, object, having(gate, false)), way)).toEqual(off);
    expect(at(whole, way)).toEqual(on);
    expect(at(made(resource, object, isEnabledByDefault), way)).toEqual(isEnabledByDefault(gate) ? on : off);
    expect(at(rewritten(resource, whole, having(gate, false)), way)).toEqual(on);
  });

  it.each<[Gate, string, string, unknown]>([
    ['DeploymentReplicaSetTerminatingReplicas', 'deployments.apps', 'terminatingReplicas', 1],
    ['DeploymentReplicaSetTerminatingReplicas', 'replicasets.apps', 'terminatingReplicas', 1],
    ['DRAConsumableCapacity', 'resourceclaims.resource.k8s.io', 'allocation.devices.results.0.shareID', 'x'],
    [
      'DRADeviceBindingConditions',
      'resourceclaims.resource.k8s.io',
      'allocation.devices.results.0.bindingConditions',
      ['b'],
    ],
    ['DRAResourceClaimDeviceStatus', 'resourceclaims.resource.k8s.io', 'devices', [{ device: 'd' }]],
    ['NodeDeclaredFeatures', 'nodes', 'declaredFeatures', ['F']],
    ['VolumeAttributesClass', 'persistentvolumeclaims', 'currentVolumeAttributesClassName', 'gold'],
    ['VolumeAttributesClass', 'persistentvolumeclaims', 'modifyVolumeStatus', { status: 'Pending' }],
    ['DRAExtendedResource', 'pods', 'extendedResourceClaimStatus', { resourceClaimName: 'c' }],
    ['InPlacePodLevelResourcesVerticalScaling', 'pods', 'allocatedResources', { cpu: '1' }],
    ['ResourceHealthStatus', 'pods', 'containerStatuses.0.allocatedResourcesStatus', [{ name: 'gpu' }]],
  ])('of the status, %s: %s', (gate, resource, way, value) => {
    const object = { metadata: { name: 'a' }, spec: { devices: {} }, status: {} } as KubeObject;
    const keys = way.split('.');
    const status = keys.reduceRight<unknown>((inner, key) => (key === '0' ? [inner] : { [key]: inner }), value);
    const whole = { ...object, status } as KubeObject;
    const write = (on: boolean, old: KubeObject) => rewritten(resource, whole, having(gate, on), old, 'status');
    expect(at(write(false, object), `status.${way}`)).toBeUndefined();
    expect(at(write(true, object), `status.${way}`)).toEqual(value);
    expect(at(write(false, whole), `status.${way}`)).toEqual(value);
  });
});

describe('values that are allowed by gates alone', () => {
  const messages = (resource: string, object: object, old: object | undefined, isEnabled: IsEnabled) => {
    const { strategy } = registrations(isEnabled)[resource]!;
    const [a, b] = [object, old ?? object].map((each) => {
      const copy = structuredClone(each) as never;
      strategy.defaults?.(copy, 'v1');
      return copy;
    });
    if (old) return strategy.validateUpdate!(ctx, a!, b!).map(String);
    const { name } = (object as KubeObject).metadata;
    return [...(strategy.validateName?.(name!, false, a!) ?? []), ...strategy.validate!(ctx, a!).map(String)];
  };
  const volume = (value: string, spec: object = {}) => ({
    metadata: { name: 'a', resourceVersion: '1' },
    spec: {
      capacity: { storage: '1Gi' },
      accessModes: ['ReadWriteOnce'],
      local: { path: '/d' },
      nodeAffinity: {
        required: { nodeSelectorTerms: [{ matchExpressions: [{ key: 'host', operator: 'In', values: [value] }] }] },
      },
      ...spec,
    },
    status: {},
  });
  const volumeClaim = (volumeAttributesClassName: string) => ({
    metadata: { name: 'a', namespace: 'n', resourceVersion: '1' },
    spec: {
      accessModes: ['ReadWriteOnce'],
      resources: { requests: { storage: '1Gi' } },
      volumeName: 'v',
      volumeAttributesClassName,
    },
    status: { phase: 'Bound' },
  });

  const bare = { metadata: { name: 'a', namespace: 'n' }, status: {} };
  const service = { ...bare, spec: { ports: [{ port: 1 }] } };
  /** Suspended after it had begun. */
  const job = (spec: object) => ({
    metadata: { name: 'a', namespace: 'n', resourceVersion: '1' },
    spec: { ...set({}, { restartPolicy: 'Never', ...spec }).spec, manualSelector: true, suspend: true },
    status: { startTime: '2026-01-02T03:04:05Z', conditions: [{ type: 'Suspended', status: 'True' }] },
  });

  it.each<[Gate, string, object, object | undefined, RegExp]>([
    [
      'TaintTolerationComparisonOperators',
      'pods',
      pod({
        restartPolicy: 'Always',
        dnsPolicy: 'Default',
        terminationGracePeriodSeconds: 30,
        tolerations: [{ key: 'risk', operator: 'Lt', value: '5' }],
      }),
      undefined,
      /tolerations\[0\].operator: Unsupported value: "Lt"/,
    ],
    [
      'HPAScaleToZero',
      'horizontalpodautoscalers.autoscaling',
      {
        metadata: { name: 'a' },
        spec: {
          minReplicas: 0,
          maxReplicas: 2,
          scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'd' },
          metrics: [
            { type: 'External', external: { metric: { name: 'queue' }, target: { type: 'Value', value: '3' } } },
          ],
        },
        status: {},
      },
      undefined,
      /^spec.minReplicas: Invalid value: 0/,
    ],
    [
      'RestartAllContainersOnContainerExits',
      'pods',
      pod({
        restartPolicy: 'Always',
        containers: [
          {
            ...containers[0],
            restartPolicy: 'Never',
            restartPolicyRules: [{ action: 'RestartAllContainers', exitCodes: { operator: 'In', values: [3] } }],
          },
        ],
      }),
      undefined,
      /restartPolicyRules\[0\].action: Unsupported value: "RestartAllContainers": supported values: "Restart"$/,
    ],
    [
      'RelaxedServiceNameValidation',
      'services',
      { ...service, metadata: { name: '1a', namespace: 'n' } },
      undefined,
      /a DNS-1035 label must consist of/,
    ],
    [
      'RelaxedServiceNameValidation',
      'ingresses.networking.k8s.io',
      { ...bare, spec: { defaultBackend: { service: { name: '1a', port: { number: 1 } } } } },
      undefined,
      /^spec.defaultBackend.service.name: Invalid value: "1a": a DNS-1035 label/,
    ],
    [
      'MutablePodResourcesForSuspendedJobs',
      'jobs.batch',
      job({ containers: [{ ...containers[0], resources: { limits: { cpu: '1' } } }] }),
      job({}),
      /^spec.template: Invalid value/,
    ],
    [
      'MutableSchedulingDirectivesForSuspendedJobs',
      'jobs.batch',
      job({ nodeSelector: { a: 'b' } }),
      job({}),
      /^spec.template.spec: Invalid value/,
    ],
    ['MutablePVNodeAffinity', 'persistentvolumes', volume('m'), volume('n'), /^nodeAffinity: Invalid value/],
    [
      'VolumeAttributesClass',
      'persistentvolumes',
      volume('n', { volumeAttributesClassName: 'gold' }),
      volume('n', { volumeAttributesClassName: 'silver' }),
      /spec.volumeAttributesClassName: Forbidden: update is forbidden when the VolumeAttributesClass feature gate/,
    ],
    [
      'VolumeAttributesClass',
      'persistentvolumeclaims',
      volumeClaim('gold'),
      volumeClaim('silver'),
      /spec.volumeAttributesClassName: Forbidden: update is forbidden when the VolumeAttributesClass feature gate/,
    ],
  ])('%s: %s', (gate, resource, object, old, refusal) => {
    expect(messages(resource, object, old, having(gate, false)).join()).toMatch(refusal);
    expect(messages(resource, object, old, having(gate, true)).join()).not.toMatch(refusal);
  });
});

describe('spellings of addresses that StrictIPCIDRValidation refuses', () => {
  const bare = { metadata: { name: 'a', namespace: 'n' } };
  const strict = /must not (have|be|have an) (leading 0s|an IPv4-mapped|bits set|IPv4-mapped)/;

  it.each<[string, object]>([
    ['services', { ...bare, spec: { ports: [{ port: 1 }], externalIPs: ['10.0.0.011'] }, status: {} }],
    ['endpoints', { ...bare, subsets: [{ addresses: [{ ip: '10.0.0.011' }] }] }],
    [
      'endpointslices.discovery.k8s.io',
      { ...bare, addressType: 'IPv4', endpoints: [{ addresses: ['::ffff:10.0.0.1'] }] },
    ],
    [
      'networkpolicies.networking.k8s.io',
      { ...bare, spec: { podSelector: {}, ingress: [{ from: [{ ipBlock: { cidr: '10.0.0.1/24' } }] }] } },
    ],
    ['nodes', { ...bare, spec: { podCIDRs: ['10.0.00.0/24'] }, status: {} }],
    ['pods', { ...bare, spec: { containers, hostAliases: [{ ip: '10.0.0.011' }] }, status: {} }],
  ])('%s', (resource, object) => {
    const problems = (isStrict: boolean) => {
      const { strategy } = registrations(having('StrictIPCIDRValidation', isStrict))[resource]!;
      const copy = structuredClone(object) as never;
      strategy.defaults?.(copy, 'v1');
      return strategy.validate!(ctx, copy).map(String).join();
    };
    expect(problems(true)).toMatch(strict);
    expect(problems(false)).not.toMatch(strict);
  });
});
