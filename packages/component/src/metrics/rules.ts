/** What an administrator has made of the metrics of a process (component-base/metrics/options.go). */
export interface MetricRules {
  /** By name: they are told no more. */
  readonly disabled: ReadonlySet<string>;
  /** By name and label: the values that stay; others are all one. */
  readonly allowed: ReadonlyMap<string, AllowedValues>;
}

export type AllowedValues = ReadonlyMap<string, ReadonlySet<string>>;

export const NO_RULES: MetricRules = { disabled: new Set(), allowed: new Map() };

/** What values become that are not allowed. */
export const UNEXPECTED = 'unexpected';
