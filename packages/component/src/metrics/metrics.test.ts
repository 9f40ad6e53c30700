import { describe, expect, it } from 'vitest';
import { Counter, exponentialBounds, Gauge, Histogram } from './families.ts';
import { registerProcessMetrics } from './process.ts';
import { MetricsRegistry } from './registry.ts';

const about = (name: string, ...labels: string[]) =>
  ({ name, help: `About ${name}.`, stability: 'ALPHA', labels }) as const;

describe('text', () => {
  it('is sorted by family, labels and label names', async () => {
    const registry = new MetricsRegistry();
    const b = registry.register(new Counter(about('b_total', 'verb', 'code')));
    b.with('GET', '404').inc();
    b.with('GET', '200').inc(2);
    registry.register(new Gauge(about('a'))).with().value = -1.5;
    expect(await registry.text()).toBe(
      [
        '# HELP a [ALPHA] About a.',
        '# TYPE a gauge',
        'a -1.5',
        '# HELP b_total [ALPHA] About b_total.',
        '# TYPE b_total counter',
        'b_total{code="200",verb="GET"} 2',
        'b_total{code="404",verb="GET"} 1\n',
      ].join('\n'),
    );
  });

  it('has cumulative buckets', async () => {
    const registry = new MetricsRegistry();
    const sizes = registry.register(new Histogram(about('sizes', 'of'), [1, 10]));
    for (const value of [0, 1, 5, 100]) sizes.with('x').observe(value);
    expect((await registry.text()).split('\n').slice(2, -1)).toEqual([
      'sizes_bucket{of="x",le="1"} 2',
      'sizes_bucket{of="x",le="10"} 3',
      'sizes_bucket{of="x",le="+Inf"} 4',
      'sizes_sum{of="x"} 106',
      'sizes_count{of="x"} 4',
    ]);
  });

  it('escapes label values', async () => {
    const registry = new MetricsRegistry();
    registry
      .register(new Counter(about('a', 'l')))
      .with('a"b\\c\nd')
      .inc();
    expect(await registry.text()).toContain('a{l="a\\"b\\\\c\\nd"} 1\n');
  });

  it('tells what has no labels before anything has happened', async () => {
    const registry = new MetricsRegistry();
    registry.register(new Counter({ name: 'a', help: 'Somebody else has named it.' }));
    const old = { ...about('b'), deprecated: '1.34.0' };
    registry.register(new Counter(old));
    const texts = ['Somebody else has named it.', '[ALPHA] (Deprecated since 1.34.0) About b.'];
    const text = ['a', 'b'].map((name, i) => `# HELP ${name} ${texts[i]}\n# TYPE ${name} counter\n${name} 0\n`);
    expect(await registry.text()).toBe(text.join(''));
  });

  it('writes what is without end as others do', async () => {
    const registry = new MetricsRegistry();
    const gauge = registry.register(new Gauge(about('a', 'l')));
    gauge.with('x').value = Number.POSITIVE_INFINITY;
    gauge.with('y').value = Number.NEGATIVE_INFINITY;
    expect((await registry.text()).match(/^a{.*/gm)).toEqual(['a{l="x"} +Inf', 'a{l="y"} -Inf']);
  });

  it('leaves out what has no samples', async () => {
    const registry = new MetricsRegistry();
    registry.register(new Counter(about('a', 'l')));
    expect(await registry.text()).toBe('');
  });
});

it('a name is registered once', () => {
  const registry = new MetricsRegistry();
  registry.register(new Counter(about('a')));
  expect(() => registry.register(new Gauge(about('a')))).toThrow('metric a is registered already');
});

it('gauges may be set when they are read, and series removed', async () => {
  const registry = new MetricsRegistry();
  let size = 1;
  registry.register(
    new Gauge(about('size'), (g) => {
      g.with().value = size;
    }),
  );
  const objects = registry.register(new Gauge(about('objects', 'resource')));
  objects.with('pods').value = 3;
  objects.with('widgets').value = 4;
  objects.remove('widgets');
  size = 7;
  expect((await registry.text()).match(/^[a-z].*/gm)).toEqual(['objects{resource="pods"} 3', 'size 7']);
});

it('series are bounded', () => {
  const counter = new Counter(about('a', 'l'));
  for (let i = 0; i < 20_010; i++) counter.with(String(i)).inc();
  expect(counter.with('unexpected').value).toBe(10);
  expect([...counter.samples()]).toHaveLength(20_001);
});

it('series of objects are not bounded', () => {
  const gauge = new Gauge({ ...about('a', 'l'), perObject: true });
  for (let i = 0; i < 20_010; i++) gauge.with(String(i)).value = 1;
  expect([...gauge.samples()]).toHaveLength(20_010);
});

it('labels must fit', () => {
  expect(() => new Counter(about('a', 'l')).with()).toThrow('0 values for the labels l');
});

it('exponentialBounds', () => expect(exponentialBounds(1000, 10, 3)).toEqual([1000, 10_000, 100_000]));

it('tells of the process', async () => {
  const registry = new MetricsRegistry();
  registerProcessMetrics(registry);
  const text = await registry.text();
  expect(text).toMatch(/^process_cpu_seconds_total [\d.]+$/m);
  expect(text).toMatch(/^process_resident_memory_bytes \d{7,}$/m);
  expect(text).toMatch(/^process_virtual_memory_max_bytes \d{6,}$/m);
  expect(text).toMatch(/^process_network_receive_bytes_total \d+$/m);
  expect(text).toMatch(/^nodejs_version_info\{version="v\d+/m);
});
