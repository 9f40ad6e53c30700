/** The places of those values of a list that stand before in it, too. */
export function repeatsIn(values: readonly (string | number)[]): ReadonlySet<number> {
  const seen = new Set<string | number>();
  const places = new Set<number>();
  for (const [i, value] of values.entries()) {
    if (seen.has(value)) places.add(i);
    seen.add(value);
  }
  return places;
}
