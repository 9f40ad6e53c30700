/** Selectors of a request as authorizers see them; what can't be parsed is told as such. */
import { parseFieldSelector } from '@keelson/api/selectors/fields';
import { parseLabelSelector } from '@keelson/api/selectors/labels';
import type { Attributes, FieldRequirement, LabelRequirement } from './attributes.ts';

/** @param field @param label in the query form, empty where there is none */
export function selectorAttributes(field: string, label: string): Pick<Attributes, 'fieldSelector' | 'labelSelector'> {
  return {
    ...(field === '' ? {} : { fieldSelector: parse(() => fieldRequirements(field)) }),
    ...(label === '' ? {} : { labelSelector: parse(() => labelRequirements(label)) }),
  };
}

function parse<R>(read: () => R[]): { requirements: R[]; parseError?: Error } {
  try {
    return { requirements: read() };
  } catch (error) {
    return { requirements: [], parseError: error as Error };
  }
}

function fieldRequirements(text: string): FieldRequirement[] {
  return parseFieldSelector(text).requirements.map(({ field, operator, value }) => ({ field, operator, value }));
}

function labelRequirements(text: string): LabelRequirement[] {
  return parseLabelSelector(text).requirements.map((r) => ({ ...r }));
}
