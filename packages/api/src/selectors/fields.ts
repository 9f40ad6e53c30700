export interface FieldSelector {
  readonly empty: boolean;
  matches(fields: Readonly<Record<string, string>>): boolean;
  /** The value that a field must have, if the selector demands one. */
  requiredValue(field: string): string | undefined;
  mapFields(rename: (field: string) => string): FieldSelector;
}
type Term = readonly [field: string, op: '=' | '!=', value: string];
export function parseFieldSelector(text: string): FieldSelector {
  return make(
    text
      .split(',')
      .filter(Boolean)
      .map((t) => {
        const m = /^(.*?)(!=|==?)(.*)$/.exec(t)!;
        return [m[1]!, m[2] === '!=' ? '!=' : '=', m[3]!] as const;
      }),
  );
}
function make(terms: readonly Term[]): FieldSelector {
  return {
    empty: terms.length === 0,
    matches: (fields) => terms.every(([f, op, v]) => ((fields[f] ?? '') === v) === (op === '=')),
    requiredValue: (field) => terms.find(([f, op]) => f === field && op === '=')?.[2],
    mapFields: (rename) => make(terms.map(([f, op, v]) => [rename(f), op, v] as const)),
  };
}
