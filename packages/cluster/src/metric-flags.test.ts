import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { type MetricValues, metricErrors, metricRules } from './metric-flags.ts';

const directory = mkdtempSync(join(tmpdir(), 'keelson-metrics-'));
afterAll(() => rmSync(directory, { recursive: true }));
const file = (name: string, text: string) => {
  writeFileSync(join(directory, name), text);
  return join(directory, name);
};
const values = (labels: Record<string, string>, path = '', ...disabled: string[]): MetricValues => ({
  'allow-metric-labels': new Map(Object.entries(labels)),
  'allow-metric-labels-manifest': path,
  'disabled-metrics': disabled,
});
const KEYS =
  'must have keys with format `metricName,labelName` where metricName matches "[a-zA-Z_:][a-zA-Z0-9_:]*" and labelName matches "[a-zA-Z_][a-zA-Z0-9_]*"';

const good = file('good.yaml', '"m,l": "a,b"\n');
const bad = file('bad.yaml', 'm: a\n');
const text = file('text.yaml', 'words\n');

it.each<[MetricValues, string[]]>([
  [values({}), []],
  [values({ 'm,l': 'v' }), []],
  [values({}, good, 'a_total', 'b:c'), []],
  [
    values({}, '', '1a', 'b'),
    [
      'metrics.disabledMetrics: Invalid value: ["1a","b"]: must be fully qualified metric names matching "^[a-zA-Z_:][a-zA-Z0-9_:]*$", got "1a"',
    ],
  ],
  [values({ a: 'b' }), [`metrics.allowListMapping: Invalid value: {"a":"b"}: ${KEYS}`]],
  [
    values({}, '/nope'),
    [
      'metrics.allowListMappingManifest: Invalid value: "/nope": failed to read allow list manifest: open /nope: no such file or directory',
    ],
  ],
  [
    values({}, bad),
    [
      `metrics.allowListMappingManifest: Invalid value: "${bad}": invalid allow list mapping in manifest: [metrics.allowListMappingManifest: Invalid value: {"m":"a"}: ${KEYS}]`,
    ],
  ],
  [
    values({}, text),
    [
      `metrics.allowListMappingManifest: Invalid value: "${text}": failed to parse allow list manifest: it is no map of strings`,
    ],
  ],
  [
    values({ 'm,l': 'v' }, good),
    [
      `metrics: Invalid value: {"allowListMapping":{"m,l":"v"},"allowListMappingManifest":"${good}"}: cannot specify both allowListMapping and allowListMappingManifest`,
    ],
  ],
])('%j', (given, errors) => expect(metricErrors(given)).toEqual(errors));

it('means what the flags or the file say', () => {
  const two = values({ 'm,l': 'a,b', 'm,k': 'c' }, '', 'x_total');
  const allowed = new Map([
    ['l', new Set(['a', 'b'])],
    ['k', new Set(['c'])],
  ]);
  expect(metricRules(two)).toEqual({ disabled: new Set(['x_total']), allowed: new Map([['m', allowed]]) });
  expect(metricRules(values({}, good)).allowed).toEqual(new Map([['m', new Map([['l', new Set(['a', 'b'])]])]]));
});
