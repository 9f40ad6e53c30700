/** Whether a controller's selector finds the pods that its template makes. */
import { type ErrorList, invalid, type Path } from '@keelson/api/field';
import type { PodTemplateSpec } from '@keelson/api/generated/types/core/v1';
import type { LabelSelector as LabelSelectorObject } from '@keelson/api/generated/types/meta/v1';
import { type LabelSelector, selectorOfObject } from '@keelson/api/selectors/labels';

/** Undefined for a selector that cannot be read. */
export function readSelector(selector: LabelSelectorObject | undefined | null): LabelSelector | undefined {
  try {
    return selectorOfObject(selector);
  } catch {
    return undefined;
  }
}

/** An empty selector finds everything, an absent one nothing. */
export function validateSelectorMatches(selector: LabelSelector, template: PodTemplateSpec, path: Path): ErrorList {
  const { labels } = template.metadata;
  if (selector.matches(labels ?? {})) return [];
  return [invalid(path.child('metadata', 'labels'), labels, '`selector` does not match template `labels`')];
}
