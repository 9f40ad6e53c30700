/** What the expressions of admission webhooks and policies may name, whatever is admitted (k8s.io/apiserver/pkg/admission/plugin/cel). */
import type { Environment } from '../environment.ts';
import { BOOL, type Declared, DYN, INT, listOf, mapOf, object, STRING, TIMESTAMP } from '../types/declared.ts';
import type { Type } from '../types/type.ts';

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

export const ADMISSION_VARIABLES: Readonly<Record<string, Declared>> = { namespaceObject: NAMESPACE, request: REQUEST };

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
