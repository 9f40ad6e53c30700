/** Clusters with devices, made by chance, always the same. */
import type { Node, Pod } from '@keelson/api/generated/types/core/v1';
import type { Draft } from '@keelson/client';
import { Maker, type TestedCluster } from './scheduler-clusters.ts';

const driver = 'gpu.example.com';
const labels = { test: 'yes' };
const metadata = (name: string) => ({ namespace: 'default', name, labels });
type Other = TestedCluster['others'][number];

class DeviceMaker extends Maker {
  device(name: string): object {
    const attributes = {
      model: { string: this.one(['x', 'y', 'z']) },
      ...(this.maybe(0.7) ? { slot: { int: this.int(3) } } : {}),
      'bus.example.com/fast': { bool: this.maybe(0.5) },
    };
    const requestPolicy = { default: '1Gi', validRange: { min: '1Gi', step: '2Gi', max: '9Gi' } };
    const shared = this.maybe(0.2);
    return {
      name,
      attributes,
      capacity: { memory: { value: this.one(['16Gi', '40Gi', '80Gi']), ...(shared ? { requestPolicy } : {}) } },
      ...(shared ? { allowMultipleAllocations: true } : {}),
      ...(this.maybe(0.1) ? { taints: [{ key: 'broken', value: 'a', effect: 'NoSchedule' }] } : {}),
    };
  }

  devices(n: number): object[] {
    return Array.from({ length: n }, (_, i) => this.device(`d${i}`));
  }

  request(name: string): object {
    if (this.maybe(0.2)) {
      const firstAvailable = ['first', 'second'].map((each) => ({ name: each, ...this.wanted(false) }));
      return { name, firstAvailable };
    }
    return { name, exactly: this.wanted(this.maybe(0.1)) };
  }

  wanted(adminAccess: boolean): object {
    const expression = this.one([
      `device.attributes['${driver}'].model == '${this.one(['x', 'y', 'z'])}'`,
      `device.capacity['${driver}'].memory.compareTo(quantity('40Gi')) >= 0`,
      `device.driver == '${driver}' && device.attributes['bus.example.com'].fast`,
    ]);
    return {
      deviceClassName: this.one(['gpu', 'gpu', 'gpu', 'large', 'net']),
      ...(this.maybe(0.4) ? { selectors: [{ cel: { expression } }] } : {}),
      ...(this.maybe(0.15) ? { allocationMode: 'All' } : { count: 1 + this.int(3) }),
      ...(this.maybe(0.3) ? { tolerations: [{ key: 'broken', operator: 'Exists' }] } : {}),
      ...(this.maybe(0.2) ? { capacity: { requests: { memory: this.one(['2Gi', '8Gi', '50Gi']) } } } : {}),
      ...(adminAccess ? { adminAccess } : {}),
    };
  }

  claim(name: string): Other {
    const requests = ['r', 's'].slice(0, 1 + this.int(2)).map((each) => this.request(each));
    const attribute = `${driver}/${this.one(['model', 'slot'])}`;
    const constraint = this.maybe(0.5) ? { matchAttribute: attribute } : { distinctAttribute: attribute };
    const constraints = this.maybe(0.3) ? [{ ...constraint, ...(this.maybe(0.3) ? { requests: ['r'] } : {}) }] : [];
    const config = [{ opaque: { driver, parameters: { of: name } }, ...(this.maybe(0.5) ? { requests: ['r'] } : {}) }];
    const devices = { requests, constraints, ...(this.maybe(0.3) ? { config } : {}) };
    return { kind: 'resourceclaims.resource.k8s.io', metadata: metadata(name), spec: { devices } } as Other;
  }
}

function deviceClass(name: string, expression: string, more: object = {}): Other {
  const spec = { selectors: [{ cel: { expression } }], ...more };
  return { kind: 'deviceclasses.resource.k8s.io', metadata: { name, labels }, spec } as Other;
}

function slice(name: string, pool: string, spec: object): Other {
  const whole = { driver, pool: { name: pool, generation: 1, resourceSliceCount: 1 }, ...spec };
  return { kind: 'resourceslices.resource.k8s.io', metadata: { name, labels }, spec: whole } as Other;
}

/** Halves and wholes of a card, of which counters say what is left. */
function card(node: string): Other[] {
  const pool = { name: `${node}-card`, generation: 1, resourceSliceCount: 2 };
  const part = (name: string, value: string) => ({
    name,
    attributes: { model: { string: 'part' }, 'bus.example.com/fast': { bool: true } },
    capacity: { memory: { value } },
    consumesCounters: [{ counterSet: 'card', counters: { memory: { value } } }],
  });
  const devices = [part('half-0', '40Gi'), part('half-1', '40Gi'), part('whole', '80Gi')];
  const sharedCounters = [{ name: 'card', counters: { memory: { value: '80Gi' } } }];
  return [
    slice(`${node}-card`, '', { pool, nodeName: node, devices }),
    slice(`${node}-counters`, '', { pool, nodeName: node, sharedCounters }),
  ];
}

export function devicesCluster(seed: number): TestedCluster {
  const make = new DeviceMaker(seed);
  const nodes: Draft<Node>[] = Array.from({ length: 6 }, (_, i) => {
    const allocatable = { cpu: '4', memory: '8Gi', pods: '110' };
    const name = `n${i}`;
    const nodeLabels = { 'kubernetes.io/hostname': name, zone: `z${i % 2}` };
    return { metadata: { name, labels: nodeLabels }, spec: {}, status: { allocatable, capacity: allocatable } };
  });
  const inZone = { nodeSelectorTerms: [{ matchExpressions: [{ key: 'zone', operator: 'In', values: ['z1'] }] }] };
  const config = [{ opaque: { driver, parameters: { of: 'class' } } }];
  const large = `device.capacity['${driver}'].memory.compareTo(quantity('40Gi')) >= 0`;
  const claims = Array.from({ length: 24 }, (_, i) => make.claim(`claim-${i}`));
  const others = [
    deviceClass('gpu', `device.driver == '${driver}'`, { config }),
    deviceClass('large', `device.driver == '${driver}' && ${large}`),
    deviceClass('net', "device.driver == 'net.example.com'"),
    ...[0, 1, 2, 3].map((i) => slice(`s${i}`, `n${i}`, { nodeName: `n${i}`, devices: make.devices(1 + make.int(5)) })),
    slice('zonal', 'zonal', { nodeSelector: inZone, devices: make.devices(2) }),
    slice('global', 'global', { allNodes: true, devices: make.devices(2) }),
    slice('net', 'net', { driver: 'net.example.com', allNodes: true, devices: make.devices(2) }),
    ...card('n4'),
    ...claims,
  ];
  const wanted = Array.from({ length: 30 }, (_, i): Draft<Pod> => {
    const names = Array.from({ length: make.maybe(0.25) ? 2 : 1 }, () => `claim-${make.int(claims.length)}`);
    const resourceClaims = [...new Set(names)].map((resourceClaimName, k) => ({ name: `c${k}`, resourceClaimName }));
    const containers = [{ name: 'c', image: 'image' }];
    return { metadata: { namespace: 'default', name: `devices-${i}` }, spec: { containers, resourceClaims } };
  });
  return { name: `devices ${seed}`, nodes, pods: [], others, wanted };
}

/** Pods that ask for extended resources: some nodes have them themselves, others have devices. */
export function extendedCluster(seed: number): TestedCluster {
  const make = new DeviceMaker(seed);
  const [gpu, nic] = ['example.com/gpu', 'example.com/nic'];
  const nodes: Draft<Node>[] = Array.from({ length: 5 }, (_, i) => {
    const own = i < 2 ? { [gpu]: String(1 + i) } : {};
    const allocatable = { cpu: '4', memory: '8Gi', pods: '110', ...own };
    const name = `n${i}`;
    const nodeLabels = { 'kubernetes.io/hostname': name };
    return { metadata: { name, labels: nodeLabels }, spec: {}, status: { allocatable, capacity: allocatable } };
  });
  const others = [
    deviceClass('gpus', `device.driver == '${driver}'`, { extendedResourceName: gpu }),
    deviceClass('nics', "device.driver == 'net.example.com'", { extendedResourceName: nic }),
    ...[2, 3, 4].map((i) => slice(`x${i}`, `n${i}`, { nodeName: `n${i}`, devices: make.devices(i) })),
    slice('net', 'net', { driver: 'net.example.com', nodeName: 'n4', devices: make.devices(1) }),
    make.claim('claim-0'),
  ];
  const resources = [gpu, gpu, nic, 'deviceclass.resource.kubernetes.io/gpus', 'example.com/other'];
  const container = (name: string, more: object = {}) => {
    const requests = { cpu: '100m', [make.one(resources)]: String(make.int(3)) };
    return { name, image: 'image', resources: { requests, limits: requests }, ...more };
  };
  const wanted = Array.from({ length: 25 }, (_, i): Draft<Pod> => {
    const initContainers = [
      ...(make.maybe(0.3) ? [container('init')] : []),
      ...(make.maybe(0.2) ? [container('sidecar', { restartPolicy: 'Always' })] : []),
      ...(make.maybe(0.2) ? [container('last')] : []),
    ];
    const containers = [container('a'), ...(make.maybe(0.3) ? [container('b')] : [])];
    const metadata = { namespace: 'default', name: `extended-${i}` };
    return { metadata, spec: { initContainers, containers } };
  });
  return { name: `extended ${seed}`, nodes, pods: [], others, wanted };
}
