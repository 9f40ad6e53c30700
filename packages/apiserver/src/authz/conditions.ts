/**
 * Match conditions of authorization webhooks: CEL over the spec of the SubjectAccessReview that would be sent
 * (k8s.io/apiserver/pkg/authorization/cel).
 */

import type { SubjectAccessReviewSpec } from '@keelson/api/generated/types/authorization/v1';
import {
  BoolType,
  BudgetExceeded,
  DYN,
  EvaluationError,
  environment,
  listOf,
  mapOf,
  object,
  STRING,
} from '@keelson/cel';
import { adapt } from '@keelson/cel/eval/adapt';
import { compileExpression, type Expression } from '../admission/cel/expression.ts';
import { aggregate } from '../aggregate.ts';

const selector = (name: string) =>
  object(name, {
    rawSelector: STRING,
    requirements: listOf(
      object('kubernetes.SelectorRequirement', { key: STRING, operator: STRING, values: listOf(STRING) }),
    ),
  });

const ENVIRONMENT = environment({
  variables: {
    request: object('kubernetes.SubjectAccessReviewSpec', {
      resourceAttributes: object('kubernetes.ResourceAttributes', {
        namespace: STRING,
        verb: STRING,
        group: STRING,
        version: STRING,
        resource: STRING,
        subresource: STRING,
        name: STRING,
        fieldSelector: selector('kubernetes.FieldSelectorAttributes'),
        labelSelector: selector('kubernetes.LabelSelectorAttributes'),
      }),
      nonResourceAttributes: object('kubernetes.NonResourceAttributes', { path: STRING, verb: STRING }),
      user: STRING,
      groups: listOf(STRING),
      extra: mapOf(STRING, listOf(STRING)),
      uid: STRING,
    }),
  },
});

export function compileMatchCondition(text: string): Expression {
  return compileExpression(ENVIRONMENT, text, [BoolType]);
}

/** The first that is false decides. @throws AggregateFailure where none is, and some have no value */
export function matches(conditions: readonly Expression[], spec: SubjectAccessReviewSpec): boolean {
  // What is declared is for the compiler alone.
  const activation = { request: adapt(shown(spec), DYN) };
  const errors: Error[] = [];
  for (const { text, program } of conditions) {
    try {
      if (program!.evaluate(activation).value === false) return false;
    } catch (error) {
      if (!(error instanceof EvaluationError || error instanceof BudgetExceeded)) throw error;
      errors.push(new Error(`cel evaluation error: expression '${text}' resulted in error: ${error.message}`));
    }
  }
  const failure = aggregate(errors);
  if (failure) throw failure;
  return true;
}

/** With all fields of strings, also those that are empty. */
function shown({ user, groups, uid, extra, resourceAttributes: r, nonResourceAttributes: n }: SubjectAccessReviewSpec) {
  return {
    user: user ?? '',
    groups: groups ?? [],
    uid: uid ?? '',
    extra: extra ?? {},
    ...(r
      ? {
          resourceAttributes: {
            namespace: r.namespace ?? '',
            verb: r.verb ?? '',
            group: r.group ?? '',
            version: r.version ?? '',
            resource: r.resource ?? '',
            subresource: r.subresource ?? '',
            name: r.name ?? '',
            ...(r.fieldSelector ? { fieldSelector: r.fieldSelector } : {}),
            ...(r.labelSelector ? { labelSelector: r.labelSelector } : {}),
          },
        }
      : {}),
    ...(n ? { nonResourceAttributes: { path: n.path ?? '', verb: n.verb ?? '' } } : {}),
  };
}
