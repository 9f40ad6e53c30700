/** What a component tells Prometheus, read back; and what upstream promises of it. */
import promised from './stable-metrics.json' with { type: 'json' };

export interface ToldFamily {
  readonly type: string;
  readonly stability: string | undefined;
  /** Names of labels, sorted; of a family with samples alone. */
  readonly labels: readonly string[];
  /** Of a histogram, without infinity. */
  readonly buckets: readonly number[] | undefined;
}

interface PromisedFamily extends ToldFamily {
  readonly components: readonly string[];
}

/** By name: upstream's STABLE and BETA families (test/instrumentation/testdata/stable-metrics-list.yaml). */
export const PROMISED: ReadonlyMap<string, PromisedFamily> = new Map(
  Object.entries(promised as Record<string, Omit<PromisedFamily, 'buckets'> & { buckets?: number[] }>).map(
    ([name, family]) => [name, { ...family, buckets: family.buckets }],
  ),
);

/** @param text in the text format of Prometheus */
export function readMetrics(text: string): Map<string, ToldFamily> {
  const families = new Map<string, ToldFamily>();
  for (const block of text.split(/^# HELP /m).slice(1)) {
    const [, name, stability] = /^(\w+) (?:\[(\w+)\] )?/.exec(block)!;
    const [, type] = /^# TYPE \w+ (\w+)$/m.exec(block)!;
    const labels = new Set<string>();
    const buckets = new Set<number>();
    for (const [, label, value] of block.matchAll(/[{,](\w+)="((?:[^"\\]|\\.)*)"/g)) {
      if (label === 'le' && type === 'histogram')
        buckets.add(Number(value === '+Inf' ? Number.POSITIVE_INFINITY : value));
      else labels.add(label!);
    }
    buckets.delete(Number.POSITIVE_INFINITY);
    families.set(name!, {
      type: type!,
      stability,
      labels: [...labels].sort(),
      buckets: type === 'histogram' ? [...buckets].sort((a, b) => a - b) : undefined,
    });
  }
  return families;
}

/** Where what a component tells is not what upstream promises of it. @param component upstream's name for it */
export function brokenPromises(component: string, text: string): string[] {
  const told = readMetrics(text);
  const broken: string[] = [];
  for (const [name, family] of told) {
    const due = PROMISED.get(name);
    if (!due && family.stability !== 'STABLE' && family.stability !== 'BETA') continue;
    const [is, ought] = [shown(family), due ? shown(due) : 'no promise'];
    if (is !== ought) broken.push(`${name}: ${is} in place of ${ought}`);
  }
  for (const [name, { components, labels }] of PROMISED)
    if (components.includes(component) && labels.length === 0 && !told.has(name)) broken.push(`${name}: not told`);
  return broken;
}

function shown({ type, stability, labels, buckets }: ToldFamily): string {
  const bounds = buckets?.map((bound) => bound.toPrecision(6));
  return `${stability} ${type} {${labels}}${bounds ? ` [${bounds}]` : ''}`;
}
