import type { Endpoint, EndpointSlice } from '@keelson/api/generated/types/discovery/v1';
import { describe, expect, it } from 'vitest';
import { isEnabledByDefault } from '../../../gates.ts';
import { testContext, texts } from '../../testing.ts';
import { makeEndpointSliceRegistration } from './index.ts';

const { strategy, table } = makeEndpointSliceRegistration(isEnabledByDefault);
const ctx = testContext();
const slice = (addressType: string, endpoints: Endpoint[], rest: Partial<EndpointSlice> = {}): EndpointSlice => ({
  metadata: { name: 'a' },
  addressType,
  endpoints,
  ports: null,
  ...rest,
});
const at = (address: string): Endpoint => ({ addresses: [address], conditions: {} });

describe('EndpointSlice', () => {
  it.each<[EndpointSlice, string[]]>([
    [slice('IPv4', [at('1.2.3.4')]), []],
    [slice('FQDN', [at('a.b.')]), []],
    [slice('X', []), ['addressType: Unsupported value: "X": supported values: "FQDN", "IPv4", "IPv6"']],
    [slice('', []), ['addressType: Required value']],
    [
      slice('IPv4', [{ addresses: null, conditions: {} }]),
      ['endpoints[0].addresses: Required value: must contain at least 1 address'],
    ],
    [slice('IPv4', [at('fd00::1')]), ['endpoints[0].addresses: Invalid value: "fd00::1": must be an IPv4 address']],
    [
      slice('IPv6', [at('FD00::1')]),
      ['endpoints[0].addresses[0]: Invalid value: "FD00::1": must be in canonical form ("fd00::1")'],
    ],
    [
      slice('IPv4', [{ ...at('1.2.3.4'), hints: { forZones: [{ name: 'z' }, { name: 'z' }] } }]),
      ['endpoints[0].hints.forZones[1].name: Duplicate value: "z"'],
    ],
    [
      slice('IPv4', [], {
        ports: [
          { name: 'a', protocol: 'TCP' },
          { name: 'a', protocol: 'X' },
        ],
      }),
      [
        'ports[1].name: Duplicate value: "a"',
        'ports[1].protocol: Unsupported value: "X": supported values: "SCTP", "TCP", "UDP"',
      ],
    ],
    [
      slice('IPv4', new Array<Endpoint>(1001).fill(at('1.2.3.4'))),
      ['endpoints: Too many: 1001: must have at most 1000 items'],
    ],
  ])('validates %#', (obj, expected) => expect(texts(strategy.validate?.(ctx, obj))).toEqual(expected));

  it('keeps its address type', () =>
    expect(texts(strategy.validateUpdate?.(ctx, slice('IPv6', []), slice('IPv4', [])))).toEqual([
      'addressType: Invalid value: "IPv6": field is immutable',
    ]));

  it('names ports and protocols, and has no topology', () => {
    const obj = slice('IPv4', [{ ...at('1.2.3.4'), deprecatedTopology: { a: 'b' } }], { ports: [{}] });
    strategy.defaults?.(obj, 'v1');
    strategy.prepareForCreate?.(ctx, obj);
    expect(obj.ports).toEqual([{ name: '', protocol: 'TCP' }]);
    expect(obj.endpoints?.[0]).toEqual(at('1.2.3.4'));
  });

  it.each<[Partial<EndpointSlice>, number]>([
    [{}, 1],
    [{ metadata: { labels: { a: 'b' } } }, 2],
    [{ metadata: { annotations: { a: 'b' } } }, 1],
    [{ ports: [] }, 1],
    [{ ports: [{ port: 1 }] }, 2],
  ])('counts changes: %j', (change, generation) => {
    const old = slice('IPv4', []);
    strategy.prepareForCreate?.(ctx, old);
    const obj = { ...old, ...change, metadata: { ...old.metadata, ...change.metadata } };
    strategy.prepareForUpdate?.(ctx, obj, old);
    expect(obj.metadata.generation).toBe(generation);
  });

  it('warns of odd addresses, but not its controllers', () => {
    const obj = slice('IPv6', [at('FD00::1')]);
    expect(strategy.warningsOnUpdate?.(ctx, obj, obj)).toHaveLength(1);
    obj.metadata.labels = { 'endpointslice.kubernetes.io/managed-by': 'endpointslice-controller.k8s.io' };
    expect(strategy.warningsOnUpdate?.(ctx, obj, obj)).toEqual([]);
  });

  it('shows what is there', () => {
    const many = slice(
      'IPv4',
      ['1', '2', '3', '4'].map((n) => at(`10.0.0.${n}`)),
      { ports: [{ name: 'x' }, { port: 80 }] },
    );
    expect(table?.row(many).cells).toEqual([
      'a',
      'IPv4',
      'x,80',
      '10.0.0.1,10.0.0.2,10.0.0.3 + 1 more...',
      '<unknown>',
    ]);
    expect(table?.row(slice('IPv4', [])).cells).toEqual(['a', 'IPv4', '<unset>', '<unset>', '<unknown>']);
  });
});
