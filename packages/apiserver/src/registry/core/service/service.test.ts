import type { Service, ServiceSpec } from '@keelson/api/generated/types/core/v1';
import { describe, expect, it } from 'vitest';
import { isEnabledByDefault } from '../../../gates.ts';
import { texts } from '../../testing.ts';
import { table } from './columns.ts';
import { defaults } from './defaults.ts';
import { dropTypeDependentFields } from './typechange.ts';
import { validateServiceStatusUpdate, validateServiceUpdate } from './update.ts';
import { validateService } from './validation.ts';
import { warnings } from './warnings.ts';

const PORTS = [{ port: 80 }];

/** A service as it stands after defaults, with an address. */
function service(spec: ServiceSpec = {}, annotations?: Record<string, string>): Service {
  const obj: Service = {
    metadata: { name: 'a', namespace: 'default', ...(annotations ? { annotations } : {}) },
    spec: { ports: structuredClone(PORTS), ...spec },
    status: { loadBalancer: {} },
  };
  defaults(obj);
  return obj;
}
const BALANCER: ServiceSpec = { type: 'LoadBalancer', ports: PORTS };

describe('defaults', () => {
  it.each<[ServiceSpec, Partial<ServiceSpec>]>([
    [{}, { type: 'ClusterIP', sessionAffinity: 'None', internalTrafficPolicy: 'Cluster' }],
    [{ externalIPs: ['192.0.2.1'] }, { externalTrafficPolicy: 'Cluster' }],
    [{ ports: [{ port: 80, targetPort: '' }] }, { ports: [{ port: 80, targetPort: 80, protocol: 'TCP' }] }],
    [{ type: 'LoadBalancer' }, { allocateLoadBalancerNodePorts: true, externalTrafficPolicy: 'Cluster' }],
    [{ sessionAffinity: 'ClientIP' }, { sessionAffinityConfig: { clientIP: { timeoutSeconds: 10800 } } }],
    [{ sessionAffinityConfig: { clientIP: { timeoutSeconds: 1 } } }, { sessionAffinity: 'None' }],
  ])('%j', (spec, expected) => expect(service(spec).spec).toMatchObject(expected));

  it('says nothing of internal traffic to an external name', () =>
    expect(service({ type: 'ExternalName', externalName: 'a.b' }).spec.internalTrafficPolicy).toBeUndefined());
});

describe('validation', () => {
  it.each<[ServiceSpec, string[]]>([
    [{}, []],
    [{ ports: [] }, ['spec.ports: Required value']],
    [{ ports: [], clusterIP: 'None', clusterIPs: ['None'] }, []],
    [
      { type: 'NodePort', clusterIP: 'None', clusterIPs: ['None'] },
      [`spec.clusterIPs[0]: Invalid value: "None": may not be set to 'None' for NodePort services`],
    ],
    [{ type: 'ExternalName' }, ['spec.externalName: Required value']],
    [{ type: 'ExternalName', externalName: 'a.b.' }, []],
    [
      { type: 'X' },
      ['spec.type: Unsupported value: "X": supported values: "ClusterIP", "ExternalName", "LoadBalancer", "NodePort"'],
    ],
    [
      { ports: [{ port: 1 }, { port: 1, name: 'b', nodePort: 30000 }] },
      [
        'spec.ports[0].name: Required value',
        "spec.ports[1].nodePort: Forbidden: may not be used when `type` is 'ClusterIP'",
        'spec.ports[1]: Duplicate value: {"Name":"","Protocol":"TCP","AppProtocol":null,"Port":1,"TargetPort":0,"NodePort":0}',
      ],
    ],
    [{ clusterIP: '1.2.3.4' }, ['spec.clusterIPs: Required value']],
    [
      { clusterIP: '1.2.3.4', clusterIPs: ['1.2.3.4', '1.2.3.5'], ipFamilies: ['IPv4', 'IPv4'] },
      [
        'spec.ipFamilies[1]: Duplicate value: "IPv4"',
        'spec.clusterIPs: Invalid value: ["1.2.3.4","1.2.3.5"]: may specify no more than one IP for each IP family',
      ],
    ],
    [
      { clusterIP: '::1', clusterIPs: ['::1'], ipFamilies: ['IPv4'] },
      ['spec.clusterIPs[0]: Invalid value: "::1": expected an IPv4 value as indicated by `ipFamilies[0]`'],
    ],
    [
      { sessionAffinity: 'ClientIP', sessionAffinityConfig: { clientIP: { timeoutSeconds: 86401 } } },
      [
        'spec.sessionAffinityConfig.clientIP.timeoutSeconds: Invalid value: 86401: must be greater than 0 and less than 86400',
      ],
    ],
    [
      { loadBalancerSourceRanges: [' 10.0.0.0/8 '] },
      ["spec.LoadBalancerSourceRanges: Forbidden: may only be used when `type` is 'LoadBalancer'"],
    ],
    [{ ...BALANCER, loadBalancerSourceRanges: [' 10.0.0.0/8 '] }, []],
    [
      { ...BALANCER, loadBalancerClass: 'a b' },
      [expect.stringContaining('spec.loadBalancerClass: Invalid value: "a b"')],
    ],
    [{ ...BALANCER, externalTrafficPolicy: 'Local' }, ['spec.healthCheckNodePort: Required value']],
    [
      { healthCheckNodePort: 30000, internalTrafficPolicy: 'x', trafficDistribution: 'Near' },
      [
        "spec.healthCheckNodePort: Invalid value: 30000: may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'",
        'spec.internalTrafficPolicy: Unsupported value: "x": supported values: "Cluster", "Local"',
        'spec.trafficDistribution: Unsupported value: "Near": supported values: "PreferClose", "PreferSameZone", "PreferSameNode"',
      ],
    ],
  ])('%j', (spec, expected) => expect(texts(validateService(service(spec), isEnabledByDefault))).toEqual(expected));

  it('reads source ranges of the annotation when they are new', () => {
    const annotations = { 'service.beta.kubernetes.io/load-balancer-source-ranges': '10.0.0.0/8,x' };
    const obj = service(BALANCER, annotations);
    expect(texts(validateService(obj, isEnabledByDefault))).toHaveLength(1);
    expect(texts(validateService(obj, isEnabledByDefault, obj))).toEqual([]);
  });
});

describe('updates', () => {
  const one = service({
    clusterIP: '1.2.3.4',
    clusterIPs: ['1.2.3.4'],
    ipFamilies: ['IPv4'],
    ipFamilyPolicy: 'SingleStack',
  });
  const change = (spec: ServiceSpec) => ({ ...one, spec: { ...one.spec, ...spec } });

  it.each<[ServiceSpec, string[]]>([
    [{}, []],
    [
      { clusterIP: '1.2.3.5', clusterIPs: ['1.2.3.5'] },
      ['spec.clusterIPs[0]: Invalid value: ["1.2.3.5"]: may not change once set'],
    ],
    [
      { clusterIP: '', clusterIPs: undefined },
      ['spec.clusterIPs[0]: Invalid value: null: primary clusterIP can not be unset'],
    ],
    [{ clusterIPs: ['1.2.3.4', 'fd00::1'], ipFamilies: ['IPv4', 'IPv6'], ipFamilyPolicy: 'RequireDualStack' }, []],
  ])('%j', (spec, expected) =>
    expect(texts(validateServiceUpdate(change(spec as ServiceSpec), one, isEnabledByDefault))).toEqual(expected),
  );

  it.each<[string[], string[]]>([
    [['x'], []],
    [
      ['x', 'fd00::1'],
      [
        'spec.clusterIPs: Internal error: failed to check for dual stack with error:invalid IP[0]: x',
        'spec.clusterIPs: Invalid value: ["x","fd00::1"]: may specify no more than one IP for each IP family',
      ],
    ],
  ])('leave %j, which was taken before addresses were looked at', (clusterIPs, expected) => {
    const old = service({ clusterIP: 'x', clusterIPs, ipFamilies: ['IPv4'], ipFamilyPolicy: 'SingleStack' });
    expect(texts(validateServiceUpdate(old, old, isEnabledByDefault))).toEqual(expected);
  });

  it('drop what only the old type had, unless the client changed it', () => {
    const balancer = service({
      ...BALANCER,
      clusterIP: '1.2.3.4',
      clusterIPs: ['1.2.3.4'],
      ports: [{ port: 80, nodePort: 30001 }],
      loadBalancerClass: 'a/b',
    });
    const plain = structuredClone(balancer);
    plain.spec.type = 'ClusterIP';
    dropTypeDependentFields(plain, balancer);
    expect(plain.spec).not.toHaveProperty('loadBalancerClass');
    expect(plain.spec).not.toHaveProperty('allocateLoadBalancerNodePorts');
    expect(plain.spec).not.toHaveProperty('externalTrafficPolicy');
    expect(plain.spec.ports?.[0]).not.toHaveProperty('nodePort');
    expect(plain.spec.clusterIP).toBe('1.2.3.4');

    const kept = structuredClone(balancer);
    kept.spec.type = 'ClusterIP';
    kept.spec.ports![0]!.nodePort = 30002;
    dropTypeDependentFields(kept, balancer);
    expect(kept.spec.ports?.[0]?.nodePort).toBe(30002);
  });

  it('check the addresses of a balancer', () => {
    const obj = service(BALANCER);
    obj.status = { loadBalancer: { ingress: [{ ip: '1.2.3.4' }, { hostname: '1.2.3.4', ipMode: 'VIP' }] } };
    expect(texts(validateServiceStatusUpdate(obj, service(BALANCER), isEnabledByDefault))).toEqual([
      'status.loadBalancer.ingress[0].ipMode: Required value: must be specified when `ip` is set',
      'status.loadBalancer.ingress[1].ipMode: Forbidden: may not be specified when `ip` is not set',
      'status.loadBalancer.ingress[1].hostname: Invalid value: "1.2.3.4": must be a DNS name, not an IP address',
    ]);
    const plain = service();
    plain.status = obj.status;
    expect(texts(validateServiceStatusUpdate(plain, plain, isEnabledByDefault))).toEqual([
      "status.loadBalancer.ingress: Forbidden: may only be used when `spec.type` is 'LoadBalancer'",
    ]);
  });
});

it.each<[ServiceSpec, string[]]>([
  [{}, []],
  [
    { clusterIP: 'None', clusterIPs: ['None'], externalIPs: ['192.0.2.1'], sessionAffinity: 'ClientIP' },
    ['spec.externalIPs is ignored for headless services', 'spec.SessionAffinity is ignored for headless services'],
  ],
  [
    { externalIPs: ['192.0.2.1'] },
    ['spec.externalIPs is deprecated and may no longer be implemented in some clusters'],
  ],
  [{ externalName: 'x' }, ['spec.externalName is ignored when spec.type is not "ExternalName"']],
  [
    { trafficDistribution: 'PreferClose' },
    ['spec.trafficDistribution: "PreferClose" is deprecated; use "PreferSameZone"'],
  ],
])('warns of %j', (spec, expected) => expect(warnings(service(spec))).toEqual(expected));

it.each<[ServiceSpec, string | undefined, unknown[]]>([
  [{}, undefined, ['ClusterIP', '<none>', '<none>', '80/TCP']],
  [{ ...BALANCER, clusterIPs: ['1.2.3.4'] }, undefined, ['LoadBalancer', '1.2.3.4', '<pending>', '80/TCP']],
  [{ ...BALANCER, externalIPs: ['192.0.2.1'] }, '5.6.7.8', ['LoadBalancer', '<none>', '5.6.7.8,192.0.2.1', '80/TCP']],
  [{ type: 'ExternalName', externalName: 'a.b', ports: [] }, undefined, ['ExternalName', '<none>', 'a.b', '<none>']],
  [{ type: 'NodePort', ports: [{ port: 1, nodePort: 2 }] }, undefined, ['NodePort', '<none>', '<none>', '1:2/TCP']],
])('shows %j', (spec, ingress, expected) => {
  const obj = service(spec);
  if (ingress) obj.status.loadBalancer = { ingress: [{ ip: ingress }] };
  expect(table.row(obj).cells.slice(1, 5)).toEqual(expected);
});
