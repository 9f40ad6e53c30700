/** Which objects a list or watch is about. */
import { badRequest } from '@keelson/api/errors';
import { quote } from '@keelson/api/field';
import type { FieldSelector } from '@keelson/api/selectors/fields';
import type { LabelSelector } from '@keelson/api/selectors/labels';
import { isPathSegmentName } from '@keelson/api/validation/names';
import type { CachedObject } from '../registry/cached-objects.ts';
import { checkKey, keyOf } from '../registry/resource.ts';
import type { FieldLabels } from '../registry/strategy.ts';
import type { Demand } from '../registry/valueindex.ts';
import type { ListOptions } from './options.ts';
import type { Scope } from './scope.ts';

export interface Selection {
  /** '' for all. */
  readonly namespace: string;
  /** Set when only one object can match. */
  readonly name: string | undefined;
  /** True when everything in the namespace matches. */
  readonly everything: boolean;
  /** Values that every object has which matches. */
  readonly demands: readonly Demand[];
  matches(object: CachedObject): boolean;
}

/** @throws StatusError 400 for selectors that name unknown fields, 500 for a namespace that is no segment of a key */
export function selectionOf(scope: Scope, options: ListOptions): Selection {
  const { info } = scope.ctx;
  const { labels } = options;
  const fields = inOwnTerms(scope, options.fields);
  const exactName = fields.requiredValue('metadata.name');
  if (info.name !== '' && !fields.empty && exactName !== info.name) {
    throw badRequest("fieldSelector metadata.name doesn't match requested name");
  }
  const name = info.name === '' ? exactName : info.name;
  const { definition } = scope.served;
  const { namespaced } = definition;
  checkKey(definition, info.namespace, [definition.prefix, info.namespace, ...(name ? [name] : [])].join('/'));
  const everything = labels.empty && fields.empty && name === undefined;
  return {
    namespace: namespaced ? info.namespace || (fields.requiredValue('metadata.namespace') ?? '') : '',
    name,
    everything,
    demands: demandsOf(fields, labels),
    matches: (object) =>
      everything ||
      ((name === undefined || object.name === name) && fields.matches(object.fields) && labels.matches(object.labels)),
  };
}

function demandsOf(fields: FieldSelector, labels: LabelSelector): Demand[] {
  const ofFields = fields.requirements
    .filter(({ field, operator }) => operator === '=' && field !== 'metadata.namespace')
    .map(({ field: key, value }): Demand => ({ of: 'fields', key, value }));
  const ofLabels = labels.requirements
    .filter(({ operator, values }) => ['=', '==', 'in'].includes(operator) && values.length === 1)
    .map(({ key, values }): Demand => ({ of: 'labels', key, value: values[0]! }));
  return [...ofFields, ...ofLabels];
}

/** The one key that can match, where namespace and name are given. */
export function onlyKey({ served }: Scope, { namespace, name }: Selection): string | undefined {
  const { namespaced } = served.definition;
  const isKey = name !== undefined && !(namespaced && namespace === '') && isPathSegmentName(name).length === 0;
  return isKey ? keyOf(served.definition, namespace, name) : undefined;
}

function inOwnTerms(scope: Scope, selector: FieldSelector): FieldSelector {
  const labels = scope.served.definition.registration.fieldLabels ?? GENERIC_FIELD_LABELS;
  return selector.mapFields((label) => {
    if (labels.supported.includes(label)) return labels.aliases?.[label] ?? label;
    throw badRequest(labels.unsupported?.(label) ?? `field label not supported: ${label}`);
  });
}

const GENERIC_FIELD_LABELS: FieldLabels = {
  supported: ['metadata.name', 'metadata.namespace'],
  unsupported: (label) => `${quote(label)} is not a known field selector: only "metadata.name", "metadata.namespace"`,
};
