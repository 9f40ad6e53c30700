/** The documentation of a field of a built-in type; empty until the texts are there. */
export function describeField(_type: string, _field: string): string {
  return '';
}
