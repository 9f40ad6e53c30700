import type { RuntimeClass } from '@keelson/api/generated/types/node/v1';
import { expect, it } from 'vitest';
import { testContext, texts } from '../../testing.ts';
import { registration } from './index.ts';

const ctx = testContext();
const { strategy } = registration;
const make = (rest: Partial<RuntimeClass> = {}): RuntimeClass => ({
  metadata: { name: 'a', resourceVersion: '1' },
  handler: 'h',
  ...rest,
});

it.each<[Partial<RuntimeClass>, string[]]>([
  [{}, []],
  [{ handler: '' }, ['handler: Required value']],
  [{ handler: 'a.b' }, ['handler: Invalid value: "a.b": must not contain dots']],
  [
    { overhead: { podFixed: { cpu: '-1' } } },
    ['overhead.limits[cpu]: Invalid value: "-1": must be greater than or equal to 0'],
  ],
  [
    { scheduling: { tolerations: [{ operator: 'Exists' }, { operator: 'Exists' }] } },
    [
      'scheduling.tolerations[1]: Duplicate value: {"Key":"","Operator":"Exists","Value":"","Effect":"","TolerationSeconds":null}',
    ],
  ],
])('%j', (rest, expected) => expect(texts(strategy.validate?.(ctx, make(rest)))).toEqual(expected));

it('keeps its handler, and warns of labels of old', () => {
  expect(texts(strategy.validateUpdate?.(ctx, make({ handler: 'i' }), make()))).toEqual([
    'handler: Invalid value: "i": field is immutable',
  ]);
  expect(
    strategy.warningsOnCreate?.(ctx, make({ scheduling: { nodeSelector: { 'beta.kubernetes.io/os': 'linux' } } })),
  ).toEqual(['scheduling.nodeSelector: deprecated since v1.14; use "kubernetes.io/os" instead']);
});
