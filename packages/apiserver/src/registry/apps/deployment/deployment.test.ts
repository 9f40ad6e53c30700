import type { Deployment } from '@keelson/api/generated/types/apps/v1';
import { expect, it } from 'vitest';
import { isEnabledByDefault } from '../../../gates.ts';
import { testContext, texts } from '../../testing.ts';
import { table } from './columns.ts';
import { makeStrategy } from './strategy.ts';

const strategy = makeStrategy({ allowPrivileged: false, isEnabled: isEnabledByDefault });

function make(revision: string): Deployment {
  const obj: Deployment = {
    metadata: { name: 'a', annotations: { 'deprecated.deployment.rollback.to': revision } },
    spec: {
      selector: { matchLabels: { a: 'b' } },
      template: { metadata: { labels: { a: 'b' } }, spec: { containers: [{ name: 'a', image: 'i', resources: {} }] } },
      strategy: {},
    },
    status: {},
  };
  strategy.defaults?.(obj, 'apps/v1');
  return obj;
}

it.each<[string, string[]]>([
  ['', []],
  ['0', []],
  ['3', []],
  ['-3', ['spec.rollback.version: Invalid value: -3: must be greater than or equal to 0']],
])('goes back to revision %j', (revision, expected) => {
  const obj = make(revision);
  expect(texts(strategy.validate?.(testContext(), obj))).toEqual(expected);
  expect(texts(strategy.validateUpdate?.(testContext(), obj, make('')))).toEqual(expected);
});

it.each<[Deployment['spec']['selector'], string]>([
  [{ matchLabels: { a: 'b' } }, 'a=b'],
  [{}, ''],
  [{ matchLabels: { a: '-' } }, '<invalid>'],
])('shows the selector %j', (selector, shown) => {
  const obj = make('');
  obj.spec.selector = selector;
  expect(table.row(obj).cells.at(-1)).toBe(shown);
});
