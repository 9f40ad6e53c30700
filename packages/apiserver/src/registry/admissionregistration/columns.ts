/** The tables of webhooks, policies and bindings. Compare pkg/printers/internalversion/printers.go. */
import type { ParamKind, ParamRef } from '@keelson/api/generated/types/admissionregistration/v1';
import type { LabelSelector } from '@keelson/api/generated/types/meta/v1';
import type { TypedObject } from '@keelson/api/object';
import { age, ageColumn, type Column, column, nameColumn } from '../columns.ts';
import type { TableConvertor } from '../strategy.ts';

const UNSET = '<unset>';

export const webhookTable: TableConvertor<TypedObject & { webhooks?: readonly unknown[] }> = {
  columns: [
    nameColumn,
    column('Webhooks', 'integer', 'Webhooks indicates the number of webhooks registered in this configuration'),
    ageColumn,
  ],
  row: (obj) => ({ cells: [obj.metadata.name ?? '', obj.webhooks?.length ?? 0, age(obj)] }),
};

/**
 * @param rules the column of the number of rules
 * @param count how many a policy has
 */
export function policyTable<T extends TypedObject & { spec: { paramKind?: ParamKind } }>(
  rules: Column,
  count: (spec: T['spec']) => number,
): TableConvertor<T> {
  const says = 'ParamKind specifies the kind of resources used to parameterize this policy';
  return {
    columns: [nameColumn, rules, column('ParamKind', 'string', says), ageColumn],
    row: (obj) => ({
      cells: [obj.metadata.name ?? '', count(obj.spec), formatParamKind(obj.spec.paramKind), age(obj)],
    }),
  };
}

export const bindingTable: TableConvertor<TypedObject & { spec: { policyName?: string; paramRef?: ParamRef } }> = {
  columns: [
    nameColumn,
    column('PolicyName', 'string', 'PolicyName indicates the policy definition which the policy binding binded to'),
    column('ParamRef', 'string', 'ParamRef indicates the param resource which sets the configuration param'),
    ageColumn,
  ],
  row: (obj) => ({
    cells: [obj.metadata.name ?? '', obj.spec.policyName ?? '', formatParamRef(obj.spec.paramRef), age(obj)],
  }),
};

function formatParamKind(kind: ParamKind | undefined): string {
  return kind ? `${kind.apiVersion ?? ''}/${kind.kind ?? ''}` : UNSET;
}

function formatParamRef(reference: ParamRef | undefined): string {
  if (reference?.name) return `${reference.namespace || '*'}/${reference.name}`;
  return reference?.selector ? selectorText(reference.selector) : UNSET;
}

/** As the generated String() of the protobuf type writes it. */
function selectorText({ matchLabels = {}, matchExpressions }: LabelSelector): string {
  const labels = Object.keys(matchLabels)
    .sort()
    .map((key) => `${key}: ${matchLabels[key]},`);
  const expressions = (matchExpressions ?? []).map(
    ({ key, operator, values }) =>
      `LabelSelectorRequirement{Key:${key},Operator:${operator},Values:[${(values ?? []).join(' ')}],},`,
  );
  return (
    `&LabelSelector{MatchLabels:map[string]string{${labels.join('')}},` +
    `MatchExpressions:[]LabelSelectorRequirement{${expressions.join('')}},}`
  );
}
