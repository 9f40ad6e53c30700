/**
 * Selectors as authorizers see them: each requirement by itself. What can't be read is left out, which asks for more
 * than was meant, never for less.
 */
import { type FieldRequirement, parseFieldSelector } from '@keelson/api/selectors/fields';
import { type LabelRequirement, parseLabelSelector } from '@keelson/api/selectors/labels';
import { asError } from '../aggregate.ts';
import type { Attributes, SelectorAttribute } from './attributes.ts';

/** @param field @param label in the query form, empty where there is none */
export function selectorAttributes(field: string, label: string): Pick<Attributes, 'fieldSelector' | 'labelSelector'> {
  return {
    ...(field === '' ? {} : { fieldSelector: fieldRequirements(field) }),
    ...(label === '' ? {} : { labelSelector: labelRequirements(label) }),
  };
}

export function fieldRequirements(text: string): SelectorAttribute<FieldRequirement> {
  return parsed(() => parseFieldSelector(text).requirements);
}

export function labelRequirements(text: string): SelectorAttribute<LabelRequirement> {
  return parsed(() => parseLabelSelector(text).requirements);
}

function parsed<R>(read: () => readonly R[]): SelectorAttribute<R> {
  try {
    return { requirements: read() };
  } catch (thrown) {
    return { requirements: [], parseError: asError(thrown) };
  }
}
