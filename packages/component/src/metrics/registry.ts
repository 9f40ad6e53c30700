/** The families of a process, and their text for Prometheus (exposition format 0.0.4). */
import type { Family, Sample } from './families.ts';

export const METRICS_CONTENT_TYPE = 'text/plain; version=0.0.4; charset=utf-8; escaping=underscores';

/** Lines that are written without letting other work run. */
const BATCH = 2000;

export class MetricsRegistry {
  readonly #families = new Map<string, Family<unknown>>();

  /** @returns the family itself @throws Error when there is another of its name */
  register<F extends Family<unknown>>(family: F): F {
    const { name } = family.description;
    if (this.#families.has(name)) throw new Error(`metric ${name} is registered already`);
    this.#families.set(name, family);
    return family;
  }

  /** All samples, by name. Families without samples are left out. */
  async text(): Promise<string> {
    const lines: string[] = [];
    for (const name of [...this.#families.keys()].sort()) {
      const family = this.#families.get(name)!;
      const { help, stability } = family.description;
      await family.prepare();
      let isFirst = true;
      for (const sample of family.samples()) {
        if (isFirst) lines.push(`# HELP ${name} [${stability}] ${help}`, `# TYPE ${name} ${family.type}`);
        isFirst = false;
        lines.push(line(name, sample));
        if (lines.length % BATCH === 0) await new Promise(setImmediate);
      }
    }
    return lines.length === 0 ? '' : `${lines.join('\n')}\n`;
  }
}

function line(name: string, { suffix, labels, value }: Sample): string {
  return `${name}${suffix}${labels === '' ? '' : `{${labels}}`} ${value}`;
}
