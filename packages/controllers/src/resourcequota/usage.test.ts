import type { ResourceQuota } from '@keelson/api/generated/types/core/v1';
import { toResourceList } from '@keelson/api/quota/amounts';
import { quotaEvaluators } from '@keelson/api/quota/evaluators';
import { expect, test } from 'vitest';
import { statusOf, usageOf } from './usage.ts';

const none = { deviceClasses: () => [], resourceClaims: () => [], pod: () => undefined };
const evaluators = quotaEvaluators(
  none,
  () => new Date('2026-01-01T00:00:00Z'),
  () => true,
);
const pod = (name: string, cpu: string, phase = 'Running') => ({
  metadata: { name, namespace: 'ns' },
  spec: { containers: [{ name: 'c', resources: { requests: { cpu }, limits: { cpu } } }] },
  status: { phase },
});
const pods = [pod('a', '100m'), pod('b', '1'), pod('c', '4', 'Succeeded')];
const counts = { counted: [{ evaluator: evaluators.get('pods')!, objects: pods }], unknown: new Set<string>() };
const quota = (hard: Record<string, string>, scopes?: string[]): ResourceQuota => ({
  metadata: { name: 'q', namespace: 'ns' },
  spec: { hard, ...(scopes ? { scopes } : {}) },
  status: {},
});

test.each<[string, ResourceQuota, Record<string, string>]>([
  [
    'what has ended counts as an object alone',
    quota({ pods: '9', 'count/pods': '9' }),
    { 'count/pods': '3', pods: '2' },
  ],
  ['amounts add up', quota({ cpu: '9', 'limits.cpu': '9' }), { cpu: '1100m', 'limits.cpu': '1100m' }],
  ['what no object uses is zero', quota({ memory: '1Gi', configmaps: '1' }), { configmaps: '0', memory: '0' }],
  ['out of scope nothing counts', quota({ pods: '1' }, ['BestEffort']), { pods: '0' }],
  ['every scope must hold', quota({ pods: '1' }, ['NotBestEffort', 'NotTerminating']), { pods: '2' }],
])('%s', async (_, given, expected) => {
  const used = await usageOf(given, counts);
  expect(toResourceList(used)).toEqual(expected);
});

test('a status is written when it differs in amount, not when it differs in writing', async () => {
  const given = quota({ cpu: '2000m' });
  const used = await usageOf(given, counts);
  expect(statusOf(given, used)).toEqual({ hard: { cpu: '2' }, used: { cpu: '1100m' } });
  expect(statusOf({ ...given, status: { hard: { cpu: '2' }, used: { cpu: '1.1' } } }, used)).toBeUndefined();
  expect(statusOf({ ...given, status: { hard: { cpu: '3' }, used: { cpu: '1.1' } } }, used)).toBeDefined();
});

test('what could not be listed stays as it was counted last', async () => {
  const unknown = new Set(['count/widgets.example.com', 'count/gadgets.example.com', 'count/others.example.com']);
  const given = {
    ...quota({ pods: '9', 'count/widgets.example.com': '5', 'count/gadgets.example.com': '5' }),
    status: { used: { pods: '7', 'count/widgets.example.com': '3', 'count/others.example.com': '1' } },
  };
  const used = await usageOf(given, { ...counts, unknown });
  expect(toResourceList(used)).toEqual({ pods: '2', 'count/widgets.example.com': '3' });
});
