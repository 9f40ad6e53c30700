/** What the expressions of webhooks and policies may name (k8s.io/apiserver/pkg/admission/plugin/cel/compile.go). */
import {
  AuthorizerType,
  BOOL,
  type Declared,
  DYN,
  type Environment,
  environment,
  INT,
  JSON_PATCH,
  listOf,
  mapOf,
  OBJECT_TYPES,
  object,
  opaque,
  ResourceCheckType,
  STRING,
  TIMESTAMP,
  type Type,
} from '@keelson/cel';

export interface Named {
  readonly hasParams: boolean;
  readonly hasAuthorizer: boolean;
  /** `Object{}` and `JSONPatch{}`. */
  readonly hasPatchTypes: boolean;
}

const GROUP_VERSION_KIND = object('kubernetes.GroupVersionKind', { group: STRING, version: STRING, kind: STRING });
const GROUP_VERSION_RESOURCE = object('kubernetes.GroupVersionResource', {
  group: STRING,
  version: STRING,
  resource: STRING,
});

/** Without uid, which nobody needs here, and the objects, which are variables of their own. */
const REQUEST = object('kubernetes.AdmissionRequest', {
  kind: GROUP_VERSION_KIND,
  resource: GROUP_VERSION_RESOURCE,
  subResource: STRING,
  requestKind: GROUP_VERSION_KIND,
  requestResource: GROUP_VERSION_RESOURCE,
  requestSubResource: STRING,
  name: STRING,
  namespace: STRING,
  operation: STRING,
  userInfo: object('kubernetes.UserInfo', {
    username: STRING,
    uid: STRING,
    groups: listOf(STRING),
    extra: mapOf(STRING, listOf(STRING)),
  }),
  dryRun: BOOL,
  options: DYN,
});

const NAMESPACE = object('kubernetes.Namespace', {
  metadata: object('kubernetes.NamespaceMetadata', {
    name: STRING,
    generateName: STRING,
    namespace: STRING,
    labels: mapOf(STRING, STRING),
    annotations: mapOf(STRING, STRING),
    // So upstream calls it; no namespace has a field of that name.
    UID: STRING,
    creationTimestamp: TIMESTAMP,
    deletionGracePeriodSeconds: INT,
    deletionTimestamp: TIMESTAMP,
    generation: INT,
    resourceVersion: STRING,
    finalizers: listOf(STRING),
  }),
  spec: object('kubernetes.NamespaceSpec', { finalizers: listOf(STRING) }),
  status: object('kubernetes.NamespaceStatus', {
    conditions: listOf(
      object('kubernetes.NamespaceCondition', {
        status: STRING,
        type: STRING,
        lastTransitionTime: TIMESTAMP,
        message: STRING,
        reason: STRING,
      }),
    ),
    phase: STRING,
  }),
});

const known = new Map<string, Environment>();

/** Without `variables`. */
export function admissionEnvironment({ hasParams, hasAuthorizer, hasPatchTypes }: Named): Environment {
  const key = `${hasParams} ${hasAuthorizer} ${hasPatchTypes}`;
  let env = known.get(key);
  if (!env) {
    const variables: Record<string, Declared> = {
      object: DYN,
      oldObject: DYN,
      namespaceObject: NAMESPACE,
      request: REQUEST,
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

/** With what `variables` holds by now, by the types of the expressions. */
export function withVariables(env: Environment, types: ReadonlyMap<string, Type>): Environment {
  const fields = Object.fromEntries([...types].map(([name, type]) => [name, declaredOf(type)]));
  return env.extend({ variables: { variables: object('kubernetes.variables', fields) } });
}

const SCALARS: Partial<Record<Type['kind'], Declared>> = { bool: BOOL, int: INT, string: STRING, timestamp: TIMESTAMP };

/** Of the value of an expression nothing but its type is known; objects are not even known by that. */
function declaredOf(type: Type): Declared {
  switch (type.kind) {
    case 'list':
      return listOf(declaredOf(type.element));
    case 'map':
      return mapOf(declaredOf(type.key), declaredOf(type.value));
    case 'bytes':
    case 'double':
    case 'duration':
    case 'null':
    case 'uint':
      return { ...DYN, type } as Declared;
    default:
      return SCALARS[type.kind] ?? DYN;
  }
}
