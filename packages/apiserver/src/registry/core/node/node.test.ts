import type { Node, NodeSpec, NodeStatus } from '@keelson/api/generated/types/core/v1';
import { describe, expect, it } from 'vitest';
import { isEnabledByDefault } from '../../../gates.ts';
import { testContext, texts } from '../../testing.ts';
import { makeNodeRegistration } from './index.ts';

const { strategy, table } = makeNodeRegistration(isEnabledByDefault);
const ctx = testContext();
const make = (spec: NodeSpec = {}, status: Partial<NodeStatus> = {}): Node => ({
  metadata: { name: 'a' },
  spec,
  status: { daemonEndpoints: { kubeletEndpoint: { Port: 0 } }, ...status } as NodeStatus,
});

describe('Node', () => {
  it.each<[NodeSpec, NodeSpec]>([
    [{ podCIDR: '10.0.0.0/24' }, { podCIDR: '10.0.0.0/24', podCIDRs: ['10.0.0.0/24'] }],
    [{ podCIDRs: ['10.0.0.0/24'] }, { podCIDR: '10.0.0.0/24', podCIDRs: ['10.0.0.0/24'] }],
    [
      { podCIDR: '10.0.0.0/24', podCIDRs: ['10.1.0.0/24'] },
      { podCIDR: '10.0.0.0/24', podCIDRs: ['10.0.0.0/24'] },
    ],
  ])('aligns %j', (spec, expected) => {
    const obj = make(structuredClone(spec));
    strategy.defaults?.(obj, 'v1');
    expect(obj.spec).toEqual(expected);
  });

  it('can allocate its capacity, in thousandths', () => {
    const obj = make({}, { capacity: { cpu: '0.0001' } });
    strategy.defaults?.(obj, 'v1');
    expect(obj.status.allocatable).toEqual({ cpu: '1m' });
  });

  it.each<[Node, string[]]>([
    [make(), []],
    [
      make({
        taints: [
          { key: 'a', effect: 'NoSchedule' },
          { key: 'a', effect: 'NoSchedule' },
          { key: 'a', effect: '' },
        ],
      }),
      [
        'metadata.taints[1]: Duplicate value: {"Key":"a","Value":"","Effect":"NoSchedule","TimeAdded":null}: taints must be unique by key and effect pair',
        'metadata.taints[2].effect: Required value',
      ],
    ],
    [
      make({}, { capacity: { cpu: '-1', pods: '1500m' } }),
      [
        'status.capacity.cpu: Invalid value: "-1": must be greater than or equal to 0',
        'status.capacity.pods: Invalid value: "1500m": must be an integer',
      ],
    ],
    [
      make({ podCIDRs: ['10.0.0.0/24', '10.1.0.0/24'] }),
      [
        'spec.podCIDRs: Invalid value: ["10.0.0.0/24","10.1.0.0/24"]: may specify no more than one CIDR for each IP family',
      ],
    ],
    [
      make({}, { declaredFeatures: ['B', 'A', 'A'] }),
      [
        'status.declaredFeatures[1]: Invalid value: "A": list must be sorted alphabetically',
        'status.declaredFeatures[2]: Duplicate value: "A"',
      ],
    ],
  ])('validates %j', (obj, expected) => expect(texts(strategy.validate?.(ctx, obj))).toEqual(expected));

  it.each<[string, string, string[]]>([
    ['taints', '[{"key":"a","effect":"NoSchedule"}]', []],
    ['taints', '', []],
    [
      'taints',
      '[{"key":"a","effect":"x"}]',
      ['taints[0].effect: Unsupported value: "x": supported values: "NoSchedule", "PreferNoSchedule", "NoExecute"'],
    ],
    ['taints', '{}', [': Invalid value: "taints": json: cannot unmarshal object into Go value of type []core.Taint']],
    ['preferAvoidPods', 'null', []],
    ['preferAvoidPods', '{"preferAvoidPods":[{"podSignature":{"podController":{"controller":true}}}]}', []],
    ['preferAvoidPods', '{', ['AvoidPods: Invalid value: "preferAvoidPods": unexpected end of JSON input']],
    ['preferAvoidPods', '{"preferAvoidPods":[{}]}', ['preferAvoidPods[0].PodSignature: Required value']],
    [
      'preferAvoidPods',
      '{"preferAvoidPods":[{"podSignature":{"podController":{"controller":false}}}]}',
      ['preferAvoidPods[0].PodSignature.PodController.Controller: Invalid value: false: must point to a controller'],
    ],
  ])('reads the annotation %s: %s', (name, text, expected) => {
    const obj = make();
    obj.metadata.annotations = { [`scheduler.alpha.kubernetes.io/${name}`]: text };
    const shown = (errors: string[]) =>
      errors.map((error) =>
        error.replace(/^metadata\.annotations\.?/, '').replaceAll('scheduler.alpha.kubernetes.io/', ''),
      );
    expect(shown(texts(strategy.validate?.(ctx, obj)))).toEqual(expected);
    expect(shown(texts(strategy.validateUpdate?.(ctx, obj, make())))).toEqual(expected);
  });

  it('gets its addresses and provider once', () => {
    const old = make({ podCIDRs: ['10.0.0.0/24'], providerID: 'p' });
    expect(texts(strategy.validateUpdate?.(ctx, make({ providerID: 'q' }), old))).toEqual([
      'spec.podCIDRs: Forbidden: node updates may not change podCIDR except from "" to valid',
      'spec.providerID: Forbidden: node updates may not change providerID except from "" to valid',
    ]);
    expect(texts(strategy.validateUpdate?.(ctx, old, make()))).toEqual([]);
  });

  it('shows roles, readiness and addresses', () => {
    const obj = make(
      { unschedulable: true },
      {
        conditions: [{ type: 'Ready', status: 'True', lastHeartbeatTime: null, lastTransitionTime: null }] as never,
        addresses: [{ type: 'InternalIP', address: '10.0.0.1' }],
      },
    );
    obj.metadata.labels = {
      'node-role.kubernetes.io/worker': '',
      'node-role.kubernetes.io/control-plane': '',
      'kubernetes.io/role': 'x',
    };
    expect(table?.row(obj).cells).toEqual([
      'a',
      'Ready,SchedulingDisabled',
      'control-plane,worker,x',
      '<unknown>',
      '',
      '10.0.0.1',
      '<none>',
      '<unknown>',
      '<unknown>',
      '<unknown>',
    ]);
  });
});
