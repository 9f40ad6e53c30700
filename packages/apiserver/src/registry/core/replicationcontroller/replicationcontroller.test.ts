import type { ReplicationController } from '@keelson/api/generated/types/core/v1';
import { expect, it } from 'vitest';
import { isEnabledByDefault } from '../../../gates.ts';
import { testContext, texts } from '../../testing.ts';
import { makeStrategy, status } from './strategy.ts';

const strategy = makeStrategy({ allowPrivileged: false, isEnabled: isEnabledByDefault });

function make(label: string, annotations: Record<string, string>): ReplicationController {
  const obj: ReplicationController = {
    metadata: { name: 'a', annotations },
    spec: {
      selector: { a: label },
      template: {
        metadata: { labels: { a: label } },
        spec: { containers: [{ name: 'a', image: 'i', resources: {} }] },
      },
    },
    status: { replicas: 0 },
  };
  strategy.defaults?.(obj, 'v1');
  return obj;
}

it.each<[string, string, string[]]>([
  ['example.com/spec.selector', 'c', []],
  ['non-convertible.kubernetes.io/spec.selector', 'b', []],
  [
    'non-convertible.kubernetes.io/spec.selector',
    'c',
    ['spec.selector: Invalid value: {"a":"c"}: cannot update non-convertible selector'],
  ],
  ['non-convertible.kubernetes.io/spec.x', 'b', ['spec.x: Not found: "no": unknown non-convertible field']],
])('with %s its selector becomes %s', (key, label, expected) => {
  const annotations = { [key]: 'no' };
  expect(texts(strategy.validateUpdate?.(testContext(), make(label, annotations), make('b', annotations)))).toEqual(
    expected,
  );
});

it('bears the labels of its own template, whatever a status says', () => {
  const obj = make('c', {});
  obj.metadata.labels = {};
  status.strategy.prepareForUpdate?.(testContext(), obj, make('b', {}));
  expect(obj.metadata.labels).toEqual({ a: 'b' });
});
