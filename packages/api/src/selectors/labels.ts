export interface LabelSelector {
  readonly empty: boolean;
  matches(labels: Readonly<Record<string, string>>): boolean;
}
export function parseLabelSelector(text: string): LabelSelector {
  const terms = text
    .split(',')
    .filter(Boolean)
    .map((t) => t.split(/==?/) as [string, string]);
  return { empty: terms.length === 0, matches: (labels) => terms.every(([k, v]) => labels[k] === v) };
}
