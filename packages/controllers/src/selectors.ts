import type { LabelSelector as SelectorObject } from '@keelson/api/generated/types/meta/v1';
import { type LabelSelector, NOTHING, selectorOfLabels, selectorOfObject } from '@keelson/api/selectors/labels';

const ofObjects = new WeakMap<SelectorObject, LabelSelector>();
const ofLabels = new WeakMap<Readonly<Record<string, string>>, LabelSelector>();

/** The parsed form of a selector, made once per object. One that is not valid, or is not there, matches nothing. */
export function selectorOf(selector: SelectorObject | null | undefined): LabelSelector {
  if (!selector) return NOTHING;
  let parsed = ofObjects.get(selector);
  if (!parsed) {
    parsed = parse(selector);
    ofObjects.set(selector, parsed);
  }
  return parsed;
}

/** The same for labels that must all be there. */
export function selectorOfMap(labels: Readonly<Record<string, string>> | undefined): LabelSelector {
  if (!labels) return selectorOfLabels(labels);
  let parsed = ofLabels.get(labels);
  if (!parsed) {
    parsed = selectorOfLabels(labels);
    ofLabels.set(labels, parsed);
  }
  return parsed;
}

function parse(selector: SelectorObject): LabelSelector {
  try {
    return selectorOfObject(selector);
  } catch {
    return NOTHING;
  }
}

/** As Go prints a selector, which some messages show (LabelSelector.String). */
export function goSelector(selector: SelectorObject | undefined): string {
  if (!selector) return 'nil';
  const labels = Object.entries(selector.matchLabels ?? {}).sort(([a], [b]) => (a < b ? -1 : 1));
  const expressions = (selector.matchExpressions ?? []).map(
    ({ key, operator, values = [] }) =>
      `LabelSelectorRequirement{Key:${key},Operator:${operator},Values:[${values.join(' ')}],},`,
  );
  const matchLabels = labels.map(([key, value]) => `${key}: ${value},`).join('');
  return `&LabelSelector{MatchLabels:map[string]string{${matchLabels}},MatchExpressions:[]LabelSelectorRequirement{${expressions.join('')}},}`;
}
