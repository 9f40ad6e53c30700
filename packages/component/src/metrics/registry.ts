/** The families of a process, and their text for Prometheus (exposition format 0.0.4). */
import { Counter, type Description, type Family, type Sample } from './families.ts';
import { type MetricRules, NO_RULES } from './rules.ts';

export const METRICS_CONTENT_TYPE = 'text/plain; version=0.0.4; charset=utf-8; escaping=underscores';

/** Lines that are written without letting other work run. */
const BATCH = 2000;

export class MetricsRegistry {
  readonly #families = new Map<string, Family<unknown>>();
  readonly #disabled = new Set<string>();
  readonly #rules: MetricRules;
  readonly #unexpected = new Counter({
    name: 'cardinality_enforcement_unexpected_categorizations_total',
    help: 'How often a label had a value that it may not have.',
    stability: 'ALPHA',
  });
  readonly #onUnexpected: () => void;

  constructor(rules: MetricRules = NO_RULES) {
    this.#rules = rules;
    this.#onUnexpected = () => this.#unexpected.with().inc();
  }

  /** Adds what it counts of itself (component-base/metrics/registry.go). To be called once, for what is read. */
  registerOwn(): void {
    this.register(this.#unexpected);
    const disabled = {
      name: 'disabled_metrics_total',
      help: 'How many metrics are disabled.',
      stability: 'BETA',
    } as const;
    this.register(new Counter(disabled)).with().inc(this.#rules.disabled.size);
    const hidden = 'How many metrics are hidden since they are deprecated.';
    this.register(new Counter({ name: 'hidden_metrics_total', help: hidden, stability: 'BETA' }));
    const registered = {
      name: 'registered_metrics_total',
      help: 'How many metrics there are, by stability.',
      stability: 'BETA',
      labels: ['stability_level', 'deprecated_version'],
    } as const;
    this.register(new Counter(registered, (counter) => this.#count(counter)));
  }

  #count(registered: Counter): void {
    registered.clear();
    for (const { description } of this.#families.values())
      if (description.stability) registered.with(description.stability, description.deprecated ?? '').inc();
  }

  /**
   * One that is disabled counts for itself; one without labels is told before anything has happened.
   * @returns the family itself @throws Error when there is another of its name
   */
  register<F extends Family<unknown>>(family: F): F {
    const { name } = family.description;
    if (this.#families.has(name) || this.#disabled.has(name)) throw new Error(`metric ${name} is registered already`);
    if (!family.description.labels?.length) family.with();
    const allowed = this.#rules.allowed.get(name);
    if (allowed) family.constrain(allowed, this.#onUnexpected);
    if (this.#rules.disabled.has(name)) this.#disabled.add(name);
    else this.#families.set(name, family);
    return family;
  }

  /** All samples, by name. Families without samples are left out. */
  async text(): Promise<string> {
    const lines: string[] = [];
    for (const name of [...this.#families.keys()].sort()) {
      const family = this.#families.get(name)!;
      await family.prepare();
      let isFirst = true;
      for (const sample of family.samples()) {
        if (isFirst) lines.push(`# HELP ${name} ${helpOf(family.description)}`, `# TYPE ${name} ${family.type}`);
        isFirst = false;
        lines.push(line(name, sample));
        if (lines.length % BATCH === 0) await new Promise(setImmediate);
      }
    }
    return lines.length === 0 ? '' : `${lines.join('\n')}\n`;
  }
}

function helpOf({ help, stability, deprecated }: Description): string {
  const since = deprecated === undefined ? '' : `(Deprecated since ${deprecated}) `;
  return stability === undefined ? help : `[${stability}] ${since}${help}`;
}

function line(name: string, { suffix, labels, value }: Sample): string {
  return `${name}${suffix}${labels === '' ? '' : `{${labels}}`} ${shownNumber(value)}`;
}

function shownNumber(value: number): string {
  if (value === Number.POSITIVE_INFINITY) return '+Inf';
  return value === Number.NEGATIVE_INFINITY ? '-Inf' : String(value);
}
