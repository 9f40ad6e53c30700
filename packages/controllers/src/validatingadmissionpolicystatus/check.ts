/** What the expressions of a policy get wrong of the kinds that they are about (admission/plugin/policy/validating/typechecking.go). */
import type {
  ExpressionWarning,
  ValidatingAdmissionPolicy,
  Variable,
} from '@keelson/api/generated/types/admissionregistration/v1';
import type { GroupVersionKind } from '@keelson/api/object';
import {
  ADMISSION_VARIABLES,
  AuthorizerType,
  compile,
  type Declared,
  DYN,
  DynType,
  type Environment,
  environment,
  opaque,
  type Type,
  withVariables,
} from '@keelson/cel';

export interface Checked {
  readonly kind: GroupVersionKind;
  readonly declared: Declared;
}

/** @param params what is declared of the kind of parameters; undefined where nothing is known of it */
export function warningsOf(
  { spec }: ValidatingAdmissionPolicy,
  kinds: readonly Checked[],
  params: Declared | undefined,
): ExpressionWarning[] {
  const environments = kinds.map(({ kind, declared }) => {
    const base = environmentOf(declared, spec?.paramKind ? (params ?? DYN) : undefined);
    return { kind, env: withAll(base, spec?.variables ?? []) };
  });
  const warn = (fieldRef: string, expression: string | undefined): ExpressionWarning[] => {
    if (!expression) return [];
    const problems = environments.flatMap(({ kind: { group, version, kind }, env }) => {
      const { issues } = compile(env, expression);
      return issues ? [`${group}/${version}, Kind=${kind}: ${issues.message}\n`] : [];
    });
    return problems.length > 0 ? [{ fieldRef, warning: problems.join('\n') }] : [];
  };
  return (spec?.validations ?? []).flatMap(({ expression, messageExpression }, i) => [
    ...warn(`spec.validations[${i}].expression`, expression),
    ...warn(`spec.validations[${i}].messageExpression`, messageExpression),
  ]);
}

/** `authorizer.requestResource` is not declared: upstream warns of it as well. */
function environmentOf(declared: Declared, params: Declared | undefined): Environment {
  const variables = {
    ...ADMISSION_VARIABLES,
    object: declared,
    oldObject: declared,
    authorizer: opaque(AuthorizerType),
    ...(params ? { params } : {}),
  };
  return environment({ variables });
}

/** Variables know of those before them. Of one that does not compile nothing is known. */
function withAll(base: Environment, variables: readonly Variable[]): Environment {
  const types = new Map<string, Type>();
  for (const { name, expression } of variables) {
    const compiled = compile(withVariables(base, types), expression);
    types.set(name, compiled.issues ? DynType : compiled.type);
  }
  return withVariables(base, types);
}
