/** What the expressions of webhooks and policies may name (k8s.io/apiserver/pkg/admission/plugin/cel/compile.go). */
import {
  ADMISSION_VARIABLES,
  AuthorizerType,
  type Declared,
  DYN,
  type Environment,
  environment,
  JSON_PATCH,
  OBJECT_TYPES,
  opaque,
  ResourceCheckType,
} from '@keelson/cel';

export interface Named {
  readonly hasParams: boolean;
  readonly hasAuthorizer: boolean;
  /** `Object{}` and `JSONPatch{}`. */
  readonly hasPatchTypes: boolean;
}

const known = new Map<string, Environment>();

/** Without `variables`. */
export function admissionEnvironment({ hasParams, hasAuthorizer, hasPatchTypes }: Named): Environment {
  const key = `${hasParams} ${hasAuthorizer} ${hasPatchTypes}`;
  let env = known.get(key);
  if (!env) {
    const variables: Record<string, Declared> = {
      object: DYN,
      oldObject: DYN,
      ...ADMISSION_VARIABLES,
      ...(hasParams ? { params: DYN } : {}),
      ...(hasAuthorizer
        ? { authorizer: opaque(AuthorizerType), 'authorizer.requestResource': opaque(ResourceCheckType) }
        : {}),
    };
    env = environment({ variables }, ...(hasPatchTypes ? [OBJECT_TYPES, JSON_PATCH] : []));
    known.set(key, env);
  }
  return env;
}
