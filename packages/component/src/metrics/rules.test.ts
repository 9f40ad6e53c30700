import { expect, it } from 'vitest';
import { Counter } from './families.ts';
import { MetricsRegistry } from './registry.ts';
import type { MetricRules } from './rules.ts';

const counter = (name: string) => new Counter({ name, help: 'h', stability: 'ALPHA', labels: ['verb', 'code'] });

async function told(rules: Partial<MetricRules>): Promise<string[]> {
  const registry = new MetricsRegistry({ disabled: new Set(), allowed: new Map(), ...rules });
  registry.registerOwn();
  for (const name of ['a_total', 'b_total']) {
    const family = registry.register(counter(name));
    family.with('GET', '200').inc();
    family.with('LIST', '200').inc();
    family.with('BREW', '418').inc(2);
  }
  return (await registry.text()).split('\n').filter((line) => line !== '' && !line.startsWith('#'));
}

it('tells all metrics and labels where there are no rules', async () => {
  expect(await told({})).toEqual([
    'a_total{code="200",verb="GET"} 1',
    'a_total{code="200",verb="LIST"} 1',
    'a_total{code="418",verb="BREW"} 2',
    'b_total{code="200",verb="GET"} 1',
    'b_total{code="200",verb="LIST"} 1',
    'b_total{code="418",verb="BREW"} 2',
    'cardinality_enforcement_unexpected_categorizations_total 0',
    'disabled_metrics_total 0',
    'hidden_metrics_total 0',
    'registered_metrics_total{deprecated_version="",stability_level="ALPHA"} 3',
    'registered_metrics_total{deprecated_version="",stability_level="BETA"} 3',
  ]);
});

it('tells no disabled metrics, but how many they are', async () => {
  expect(await told({ disabled: new Set(['b_total', 'no_total']) })).toEqual([
    'a_total{code="200",verb="GET"} 1',
    'a_total{code="200",verb="LIST"} 1',
    'a_total{code="418",verb="BREW"} 2',
    'cardinality_enforcement_unexpected_categorizations_total 0',
    'disabled_metrics_total 2',
    'hidden_metrics_total 0',
    'registered_metrics_total{deprecated_version="",stability_level="ALPHA"} 2',
    'registered_metrics_total{deprecated_version="",stability_level="BETA"} 3',
  ]);
});

it('makes one of all values that a label may not have', async () => {
  const allowed = new Map([['a_total', new Map([['verb', new Set(['GET'])]])]]);
  expect(await told({ disabled: new Set(['b_total']), allowed })).toEqual([
    'a_total{code="200",verb="GET"} 1',
    'a_total{code="200",verb="unexpected"} 1',
    'a_total{code="418",verb="unexpected"} 2',
    'cardinality_enforcement_unexpected_categorizations_total 2',
    'disabled_metrics_total 1',
    'hidden_metrics_total 0',
    'registered_metrics_total{deprecated_version="",stability_level="ALPHA"} 2',
    'registered_metrics_total{deprecated_version="",stability_level="BETA"} 3',
  ]);
});

it('keeps a disabled name for one', () => {
  const registry = new MetricsRegistry({ disabled: new Set(['a_total']), allowed: new Map() });
  registry.register(counter('a_total'));
  expect(() => registry.register(counter('a_total'))).toThrow('metric a_total is registered already');
});
