import type {
  IngressClassParametersReference,
  IngressSpec,
  NetworkPolicyPeer,
  NetworkPolicyPort,
  NetworkPolicySpec,
  ParentReference,
} from '@keelson/api/generated/types/networking/v1';
import { describe, expect, it } from 'vitest';
import { isEnabledByDefault } from '../../gates.ts';
import { testContext, texts } from '../testing.ts';
import { makeIngressRegistration } from './ingress/index.ts';
import { registration as ingressClass } from './ingressclass/index.ts';
import { registration as ipAddress } from './ipaddress/index.ts';
import { makeNetworkPolicyRegistration } from './networkpolicy/index.ts';
import { makeServiceCIDRRegistration } from './servicecidr/index.ts';

const ingress = makeIngressRegistration(isEnabledByDefault);
const networkPolicy = makeNetworkPolicyRegistration(isEnabledByDefault);
const serviceCIDRs = makeServiceCIDRRegistration(isEnabledByDefault);

const ctx = testContext();
const metadata = { name: 'a' };

describe('Ingress', () => {
  const make = (spec: IngressSpec) => ({ metadata: { ...metadata }, spec, status: { loadBalancer: {} } });
  const backend = { service: { name: 's', port: { number: 80 } } };
  const rule = (host: string, path: object = { path: '/', pathType: 'Prefix', backend }) =>
    make({ rules: [{ host, http: { paths: [path as never] } }] });

  it.each([
    ['default backend', make({ defaultBackend: backend }), []],
    ['nothing', make({}), ['spec: Invalid value: null: either `defaultBackend` or `rules` must be specified']],
    ['wildcard', rule('*.a.b'), []],
    [
      'address',
      rule('1.2.3.4'),
      ['spec.rules[0].host: Invalid value: "1.2.3.4": must be a DNS name, not an IP address'],
    ],
    [
      'no path type',
      rule('a.b', { pathType: null, backend }),
      ['spec.rules[0].http.paths[0].pathType: Required value: pathType must be specified'],
    ],
    [
      'path tricks',
      rule('a.b', { path: '/a//b/..', pathType: 'Exact', backend }),
      [
        `spec.rules[0].http.paths[0].path: Invalid value: "/a//b/..": must not contain '//'`,
        `spec.rules[0].http.paths[0].path: Invalid value: "/a//b/..": cannot end with '/..'`,
      ],
    ],
    [
      'both backends',
      make({ defaultBackend: { ...backend, resource: { apiGroup: null, kind: 'K', name: 'n' } } }),
      ['spec.defaultBackend: Invalid value: "": cannot set both resource and service backends'],
    ],
    [
      'no port',
      make({ defaultBackend: { service: { name: '', port: {} } } }),
      [
        'spec.defaultBackend.service.name: Required value',
        'spec.defaultBackend: Required value: port name or number is required',
      ],
    ],
  ])('%s', (_name, obj, expected) => expect(texts(ingress.strategy.validate?.(ctx, obj))).toEqual(expected));

  it('counts its generation by the spec alone', () => {
    const old = make({ defaultBackend: backend });
    ingress.strategy.prepareForCreate?.(ctx, old);
    const same = structuredClone(old);
    same.metadata.name = 'b';
    ingress.strategy.prepareForUpdate?.(ctx, same, old);
    expect(same.metadata).toMatchObject({ generation: 1 });
    const changed = { ...structuredClone(old), spec: { defaultBackend: backend, ingressClassName: 'x' } };
    ingress.strategy.prepareForUpdate?.(ctx, changed, old);
    expect(changed.metadata).toMatchObject({ generation: 2 });
  });

  it('shows three hosts and how many more rules there are', () => {
    const obj = make({ rules: ['a.b', 'c.d', '', 'e.f', 'g.h'].map((host) => ({ host })) });
    expect(ingress.table?.row(obj).cells).toEqual(['a', '<none>', 'a.b,c.d,e.f + 2 more...', '', '80', '<unknown>']);
  });
});

describe('IngressClass', () => {
  const parameters = (rest: Partial<IngressClassParametersReference>) => ({
    kind: 'K',
    name: 'n',
    scope: null,
    ...rest,
  });
  const make = (controller: string, params?: IngressClassParametersReference) => ({
    metadata: { ...metadata },
    spec: { controller, ...(params ? { parameters: params } : {}) },
  });

  it('refers to the cluster by default', () => {
    const obj = make('a.b/c', parameters({}));
    ingressClass.strategy.defaults?.(obj, 'v1');
    expect(obj.spec.parameters?.scope).toBe('Cluster');
  });

  it.each([
    [make('a.b/c'), []],
    [make(''), ['spec.controller: Required value']],
    [make('x'), ['spec.controller: Invalid value: "x": must be a domain-prefixed path (such as "acme.io/foo")']],
    [
      make('a.b/c', parameters({ scope: 'Namespace' })),
      ["spec.parameters.namespace: Required value: `parameters.scope` is set to 'Namespace'"],
    ],
    [
      make('a.b/c', parameters({ scope: 'Cluster', namespace: 'n', kind: '' })),
      [
        'spec.parameters.kind: Required value',
        "spec.parameters.namespace: Forbidden: `parameters.scope` is set to 'Cluster'",
      ],
    ],
  ])('%j', (obj, expected) => expect(texts(ingressClass.strategy.validate?.(ctx, obj))).toEqual(expected));
});

describe('NetworkPolicy', () => {
  const make = (spec: Partial<NetworkPolicySpec>) => ({
    metadata: { ...metadata },
    spec: { podSelector: {}, ...spec },
  });

  it.each<[Partial<NetworkPolicySpec>, string[]]>([
    [{}, ['Ingress']],
    [{ egress: [{}] }, ['Ingress', 'Egress']],
    [{ policyTypes: ['Egress'] }, ['Egress']],
  ])('of %j has the types %j', (spec, types) => {
    const obj = make(structuredClone(spec));
    networkPolicy.strategy.defaults?.(obj, 'v1');
    expect(obj.spec.policyTypes).toEqual(types);
  });

  it.each<[NetworkPolicyPeer, string[]]>([
    [{ podSelector: {} }, []],
    [{}, ['spec.ingress[0].from[0]: Required value: must specify a peer']],
    [
      { podSelector: {}, ipBlock: { cidr: '10.0.0.0/8' } },
      ['spec.ingress[0].from[0]: Forbidden: may not specify both ipBlock and another peer'],
    ],
    [{ ipBlock: { cidr: '' } }, ['spec.ingress[0].from[0].ipBlock.cidr: Required value']],
    [
      { ipBlock: { cidr: '10.0.0.0/8', except: ['10.1.0.0/16', '10.0.0.0/8', '11.0.0.0/16'] } },
      ['10.0.0.0/8', '11.0.0.0/16'].map(
        (cidr, i) =>
          `spec.ingress[0].from[0].ipBlock.except[${i + 1}]: Invalid value: "${cidr}": must be a strict subset of \`cidr\``,
      ),
    ],
  ])('peer %j', (peer, expected) =>
    expect(texts(networkPolicy.strategy.validate?.(ctx, make({ ingress: [{ from: [peer] }] })))).toEqual(expected),
  );

  it.each<[NetworkPolicyPort, string[]]>([
    [{ port: 80, endPort: 90 }, []],
    [{ port: 80, endPort: 70 }, ['endPort: Invalid value: 80: must be greater than or equal to `port`']],
    [{ endPort: 70 }, ['endPort: Invalid value: 70: may not be specified when `port` is not specified']],
    [{ port: 'http', endPort: 70 }, ['endPort: Invalid value: 70: may not be specified when `port` is non-numeric']],
    [{ protocol: 'X' }, ['protocol: Unsupported value: "X": supported values: "TCP", "UDP", "SCTP"']],
  ])('port %j', (port, expected) =>
    expect(texts(networkPolicy.strategy.validate?.(ctx, make({ egress: [{ ports: [port] }] })))).toEqual(
      expected.map((text) => `spec.egress[0].ports[0].${text}`),
    ),
  );

  it.each([
    ['10.0.0.0/8', '::ffff:10.1.0.0/112', true],
    ['10.9.0.0/8', '::ffff:10.0.0.0/104', true],
    ['10.0.0.0/8', '::ffff:10.1.0.0/9', false],
    ['10.0.0.0/8', '::ffff:10.1.0.0/100', false],
    ['::ffff:10.0.0.0/104', '10.1.0.0/16', false],
    ['::ffff:10.0.0.0/104', '::ffff:10.1.0.0/112', true],
    ['::ffff:0.0.0.0/96', '1.2.3.4/32', false],
    ['0.0.0.0/0', '::ffff:1.2.3.4/128', true],
  ])('%s without %s, where both are kept: %s', (cidr, except, isSubset) => {
    const obj = make({ ingress: [{ from: [{ ipBlock: { cidr, except: [except] } }] }] });
    const error = `spec.ingress[0].from[0].ipBlock.except[0]: Invalid value: "${except}": must be a strict subset of \`cidr\``;
    expect(texts(networkPolicy.strategy.validateUpdate?.(ctx, obj, obj))).toEqual(isSubset ? [] : [error]);
  });

  it('keeps bad CIDRs that it had', () => {
    const obj = make({ ingress: [{ from: [{ ipBlock: { cidr: '10.0.0.1/8' } }] }] });
    expect(texts(networkPolicy.strategy.validate?.(ctx, obj))).toHaveLength(1);
    expect(texts(networkPolicy.strategy.validateUpdate?.(ctx, obj, obj))).toEqual([]);
  });
});

describe('IPAddress', () => {
  const make = (parentRef?: ParentReference) => ({ metadata: { ...metadata }, spec: parentRef ? { parentRef } : {} });

  it('is named by the address', () => {
    expect(ipAddress.strategy.validateName?.('10.0.0.1', false, make())).toEqual([]);
    expect(ipAddress.strategy.validateName?.('2001:DB8::1', false, make())).toEqual([
      'must be in canonical form ("2001:db8::1")',
    ]);
  });

  it.each([
    [make(), ['spec.parentRef: Required value']],
    [make({ resource: 'services', name: 'a', namespace: 'b' }), []],
    [
      make({ resource: '', name: 'a/b' }),
      ['spec.parentRef.resource: Required value', `spec.parentRef.name: Invalid value: "a/b": may not contain '/'`],
    ],
  ])('%j', (obj, expected) => expect(texts(ipAddress.strategy.validate?.(ctx, obj))).toEqual(expected));
});

describe('ServiceCIDR', () => {
  const make = (...cidrs: string[]) => ({ metadata: { ...metadata }, spec: { cidrs }, status: {} });

  it.each([
    [make('10.0.0.0/24', 'fd00::/64'), []],
    [make(), ['spec.cidrs: Required value: at least one CIDR required']],
    [make('a', 'b', 'c'), ['spec.cidrs: Invalid value: {"CIDRs":["a","b","c"]}: may only hold up to 2 values']],
    [
      make('10.0.0.0/24', '10.1.0.0/24'),
      [
        'spec.cidrs: Invalid value: ["10.0.0.0/24","10.1.0.0/24"]: may specify no more than one IP for each IP family, i.e 192.168.0.0/24 and 2001:db8::/64',
      ],
    ],
  ])('%j', (obj, expected) => expect(texts(serviceCIDRs.strategy.validate?.(ctx, obj))).toEqual(expected));

  it('may only grow by a family', () => {
    const old = make('10.0.0.0/24');
    const update = (obj: ReturnType<typeof make>) => texts(serviceCIDRs.strategy.validateUpdate?.(ctx, obj, old));
    expect(update(make('10.0.0.0/24', 'fd00::/64'))).toEqual([]);
    expect(update(make('10.1.0.0/24'))).toEqual(['spec.cidrs[0]: Invalid value: "10.1.0.0/24": field is immutable']);
    expect(update(make())).toEqual(['spec.cidrs: Invalid value: []: field is immutable']);
  });
});
