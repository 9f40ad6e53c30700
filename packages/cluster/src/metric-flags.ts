/** The flags by which every component's metrics are held back: which of them, and which values of their labels. */
import { readFileSync } from 'node:fs';
import { readYaml } from '@keelson/api/codec/yaml';
import { quote } from '@keelson/component/go/strconv';
import type { MetricRules } from '@keelson/component/metrics/rules';

export interface MetricValues {
  readonly 'allow-metric-labels': ReadonlyMap<string, string>;
  readonly 'allow-metric-labels-manifest': string;
  readonly 'disabled-metrics': readonly string[];
}

export const metricDescriptions = {
  'allow-metric-labels':
    "Values that a label of a metric may have; others become unexpected: apiserver_request_total,verb='GET,LIST'.",
  'allow-metric-labels-manifest': 'File with the same, in YAML: "apiserver_request_total,verb": "GET,LIST".',
  'disabled-metrics': 'Metrics that are told no more, by their full names.',
} as const;

const METRIC = '[a-zA-Z_:][a-zA-Z0-9_:]*';
const LABEL = '[a-zA-Z_][a-zA-Z0-9_]*';
const NAME = new RegExp(`^${METRIC}$`);
const KEY = new RegExp(`^${METRIC},${LABEL}$`);

/** What is wrong with them, in the words of component-base/metrics/api/v1/config.go. */
export function metricErrors(values: MetricValues): string[] {
  const { 'disabled-metrics': disabled, 'allow-metric-labels': labels, 'allow-metric-labels-manifest': path } = values;
  const errors: string[] = [];
  const unnamed = disabled.find((name) => !NAME.test(name));
  if (unnamed !== undefined) {
    const why = `must be fully qualified metric names matching ${quote(NAME.source)}, got ${quote(unnamed)}`;
    errors.push(`metrics.disabledMetrics: Invalid value: ${JSON.stringify(disabled)}: ${why}`);
  }
  const problem = problemOfKeys(labels);
  if (problem !== undefined) errors.push(`metrics.allowListMapping: ${problem}`);
  if (path !== '') {
    const at = `metrics.allowListMappingManifest: Invalid value: ${quote(path)}`;
    errors.push(...problemsOfManifest(path).map((each) => `${at}: ${each}`));
  }
  if (labels.size > 0 && path !== '') {
    const both = {
      ...(disabled.length > 0 ? { disabledMetrics: disabled } : {}),
      allowListMapping: Object.fromEntries(labels),
      allowListMappingManifest: path,
    };
    const why = 'cannot specify both allowListMapping and allowListMappingManifest';
    errors.push(`metrics: Invalid value: ${JSON.stringify(both)}: ${why}`);
  }
  return errors;
}

/** What they mean, where nothing is wrong with them. */
export function metricRules(values: MetricValues): MetricRules {
  const { 'allow-metric-labels': labels, 'allow-metric-labels-manifest': path } = values;
  const allowed = new Map<string, Map<string, ReadonlySet<string>>>();
  for (const [key, text] of path === '' ? labels : readManifest(path)) {
    const [metric, label] = key.split(',') as [string, string];
    const ofMetric = allowed.get(metric) ?? new Map<string, ReadonlySet<string>>();
    allowed.set(metric, ofMetric.set(label, new Set(text.split(','))));
  }
  return { disabled: new Set(values['disabled-metrics']), allowed };
}

function problemOfKeys(labels: ReadonlyMap<string, string>): string | undefined {
  if ([...labels.keys()].every((key) => KEY.test(key))) return undefined;
  const form = `metricName matches ${quote(METRIC)} and labelName matches ${quote(LABEL)}`;
  const why = `must have keys with format \`metricName,labelName\` where ${form}`;
  return `Invalid value: ${JSON.stringify(Object.fromEntries(labels))}: ${why}`;
}

function problemsOfManifest(path: string): string[] {
  try {
    const problem = problemOfKeys(readManifest(path));
    const at = 'metrics.allowListMappingManifest';
    return problem === undefined ? [] : [`invalid allow list mapping in manifest: [${at}: ${problem}]`];
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === undefined) return [`failed to parse allow list manifest: ${message}`];
    const why = code === 'ENOENT' ? 'no such file or directory' : message;
    return [`failed to read allow list manifest: open ${path}: ${why}`];
  }
}

/** @throws Error where there is no such file, or it holds something else */
function readManifest(path: string): ReadonlyMap<string, string> {
  const value = readYaml(readFileSync(path, 'utf8'));
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new Error('it is no map of strings');
  return new Map(Object.entries(value).map(([key, text]) => [key, String(text)]));
}
