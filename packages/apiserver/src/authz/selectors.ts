import type { Attributes } from './attributes.ts';
export function selectorAttributes(_field: string, _label: string): Partial<Attributes> {
  return {};
}
