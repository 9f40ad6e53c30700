import type { EndpointSubset, Endpoints } from '@keelson/api/generated/types/core/v1';
import { describe, expect, it } from 'vitest';
import { isEnabledByDefault } from '../../../gates.ts';
import { testContext, texts } from '../../testing.ts';
import { makeEndpointsRegistration } from './index.ts';

const { strategy, table } = makeEndpointsRegistration(isEnabledByDefault);
const ctx = testContext();
const make = (...subsets: EndpointSubset[]): Endpoints => ({ metadata: { name: 'a' }, subsets });

describe('Endpoints', () => {
  it.each<[EndpointSubset, string[]]>([
    [{ addresses: [{ ip: '1.2.3.4' }] }, []],
    [{}, ['subsets[0]: Required value: must specify `addresses` or `notReadyAddresses`']],
    [
      { notReadyAddresses: [{ ip: '127.0.0.1', nodeName: 'A' }] },
      [
        expect.stringContaining('subsets[0].notReadyAddresses[0].nodeName: Invalid value: "A": a lowercase RFC 1123'),
        'subsets[0].notReadyAddresses[0].ip: Invalid value: "127.0.0.1": may not be in the loopback range (127.0.0.0/8, ::1/128)',
      ],
    ],
    [
      {
        addresses: [{ ip: '1.2.3.4' }],
        ports: [
          { port: 0, protocol: 'TCP' },
          { name: 'b', port: 1, protocol: 'X' },
        ],
      },
      [
        'subsets[0].ports[0].name: Required value',
        'subsets[0].ports[0].port: Invalid value: 0: must be between 1 and 65535, inclusive',
        'subsets[0].ports[1].protocol: Unsupported value: "X": supported values: "SCTP", "TCP", "UDP"',
      ],
    ],
  ])('%j', (subset, expected) => expect(texts(strategy.validate?.(ctx, make(subset)))).toEqual(expected));

  it('are not judged again where they do not change', () =>
    expect(texts(strategy.validateUpdate?.(ctx, make({}), make({})))).toEqual([]));

  it.each<[EndpointSubset[], string]>([
    [[], '<none>'],
    [[{ addresses: [{ ip: '1.2.3.4' }], ports: [{ port: 80 }, { port: 81 }] }], '1.2.3.4:80,1.2.3.4:81'],
    [[{ addresses: [{ ip: 'fd00::1' }], ports: [{ port: 80 }] }, { addresses: [{ ip: '::2' }] }], '[fd00::1]:80,::2'],
    [
      [{ addresses: ['1', '2', '3', '4', '5'].map((n) => ({ ip: `10.0.0.${n}` })) }],
      '10.0.0.1,10.0.0.2,10.0.0.3 + 2 more...',
    ],
  ])('%j are shown as %s', (subsets, text) => expect(table?.row(make(...subsets)).cells[1]).toBe(text));
});
