/** Operations as a model from which both versions of OpenAPI are written, and those of paths that are no resources. */
import type { GroupVersion } from './schemas.ts';

export type Method = 'get' | 'put' | 'post' | 'delete' | 'options' | 'head' | 'patch';

export interface Parameter {
  readonly name: string;
  readonly in: 'query' | 'path';
  readonly description: string;
  readonly type: string;
}

export interface Operation {
  readonly method: Method;
  readonly id: string;
  readonly tag: string;
  readonly description: string;
  readonly parameters: readonly Parameter[];
  /** The name of the body's schema. */
  readonly body?: { readonly schema: string; readonly required: boolean };
  readonly consumes?: readonly string[];
  readonly produces?: readonly string[];
  readonly responses: readonly Response[];
  /** x-kubernetes-action and the kind that it is about; absent outside of resources. */
  readonly action?: { readonly name: string; readonly gvk: readonly [group: string, version: string, kind: string] };
}

/** Without a schema the answer has no body worth telling; `string` is plain text. */
export interface Response {
  readonly code: number;
  readonly schema?: string;
}

/** Paths with their operations. */
export type Paths = Map<string, Operation[]>;

/** The schema of answers that are no object. */
export const PLAIN = 'string';

const OBJECT_TYPES = ['application/json', 'application/yaml', 'application/vnd.kubernetes.protobuf'];

/** `rbac.authorization.k8s.io` → `rbacAuthorization`, `` → `core` */
export function groupTag(group: string): string {
  if (group === '') return 'core';
  const [first = '', ...rest] = group.replace(/\.k8s\.io$/, '').split(/[.-]/);
  return first + rest.map(capitalize).join('');
}

export function capitalize(word: string): string {
  return word.slice(0, 1).toUpperCase() + word.slice(1);
}

const getOperation = (
  tag: string,
  id: string,
  description: string,
  schema: string,
  types: readonly string[],
): Operation[] => [
  {
    method: 'get',
    tag,
    id,
    description,
    parameters: [],
    ...(types.length > 1 ? { consumes: types } : {}),
    produces: types,
    responses: [{ code: 200, schema }, { code: 401 }],
  },
];

const META = 'io.k8s.apimachinery.pkg.apis.meta.v1';

/** `/apis/apps/v1/`: the list of resources itself. */
export function versionRootPath({ group, version }: GroupVersion): [path: string, operations: Operation[]] {
  const tag = groupTag(group);
  const path = group === '' ? `/api/${version}/` : `/apis/${group}/${version}/`;
  const id = `get${capitalize(tag)}${capitalize(version)}APIResources`;
  return [
    path,
    getOperation(`${tag}_${version}`, id, 'get available resources', `${META}.APIResourceList`, OBJECT_TYPES),
  ];
}

/** `/apis/apps/` */
export function groupPath(group: string): [path: string, operations: Operation[]] {
  const tag = groupTag(group);
  const id = `get${capitalize(tag)}APIGroup`;
  return [`/apis/${group}/`, getOperation(tag, id, 'get information of a group', `${META}.APIGroup`, OBJECT_TYPES)];
}

/** Paths that are no API group, by the name of their version 3 document. */
export function rootPaths(): Record<string, [path: string, operations: Operation[]]> {
  const versions = 'get available API versions';
  return {
    '.well-known/openid-configuration': [
      '/.well-known/openid-configuration/',
      getOperation(
        'WellKnown',
        'getServiceAccountIssuerOpenIDConfiguration',
        "get service account issuer OpenID configuration, also known as the 'OIDC discovery doc'",
        PLAIN,
        ['application/json'],
      ),
    ],
    api: ['/api/', getOperation('core', 'getCoreAPIVersions', versions, `${META}.APIVersions`, OBJECT_TYPES)],
    apis: ['/apis/', getOperation('apis', 'getAPIVersions', versions, `${META}.APIGroupList`, OBJECT_TYPES)],
    'openid/v1/jwks': [
      '/openid/v1/jwks/',
      getOperation(
        'openid',
        'getServiceAccountIssuerOpenIDKeyset',
        'get service account issuer OpenID JSON Web Key Set (contains public token verification keys)',
        PLAIN,
        ['application/jwk-set+json'],
      ),
    ],
    version: [
      '/version/',
      getOperation(
        'version',
        'getCodeVersion',
        'get the version information for this server',
        'io.k8s.apimachinery.pkg.version.Info',
        ['application/json'],
      ).map((operation) => ({ ...operation, consumes: ['application/json'] })),
    ],
  };
}
