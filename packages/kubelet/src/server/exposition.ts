/** Figures with the time at which they were taken, as Prometheus reads them (exposition format 0.0.4). */

export interface TimedSample {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
  /** Milliseconds; 0: now. */
  readonly at: number;
}

export interface TimedFamily {
  readonly name: string;
  readonly type: 'counter' | 'gauge';
  readonly help: string;
  readonly samples: readonly TimedSample[];
}

/** @returns nothing for a family without samples */
export function expose({ name, type, help, samples }: TimedFamily): string {
  if (samples.length === 0) return '';
  const lines = samples.map(({ labels, value, at }) => {
    const text = Object.entries(labels)
      .map(([key, each]) => `${key}=${JSON.stringify(each)}`)
      .join(',');
    return `${name}${text === '' ? '' : `{${text}}`} ${value}${at > 0 ? ` ${Math.round(at)}` : ''}`;
  });
  return `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n${lines.join('\n')}\n`;
}
