/**
 * Custom resources in the OpenAPI documents (apiextensions-apiserver/pkg/controller/openapi/builder).
 */
import type { ApiResource } from '../discovery/documents.ts';
import { type CustomSchema, toSchema2, toSchema3 } from './custom-schema.ts';
import { gvk, type Json, type OpenApiVersion, reference, type Schemas } from './schemas.ts';

/** One kind in one served version. */
export interface CustomKind {
  readonly group: string;
  readonly version: string;
  readonly plural: string;
  readonly kind: string;
  readonly listKind: string;
  readonly namespaced: boolean;
  readonly hasStatus: boolean;
  readonly hasScale: boolean;
  /** `openAPIV3Schema` of the version, structural. */
  readonly schema: CustomSchema | undefined;
  /** JSON paths without the leading dot: `spec.color`. */
  readonly selectableFields: readonly string[];
  /** `spec.preserveUnknownFields` of old definitions. */
  readonly preserveUnknownFields?: boolean;
}

const META = 'io.k8s.apimachinery.pkg.apis.meta.v1';
const CONVENTIONS = 'https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md';
/** Built-in kinds whose fields every object has, for their texts. */
const ANY_KIND = 'io.k8s.api.core.v1.Pod';
const ANY_LIST = 'io.k8s.api.core.v1.PodList';

/** `com.example.shop.v1.Widget` */
export function customName(group: string, version: string, kind: string): string {
  return [...group.split('.').reverse(), version, kind].join('.');
}

/** What discovery says of the kinds, as far as paths follow from it. */
export function customResources(kinds: readonly CustomKind[]): ApiResource[] {
  const verbs = ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch'];
  const view = ['get', 'patch', 'update'];
  return kinds.flatMap(({ plural, kind, namespaced, hasStatus, hasScale }) => {
    const resource = { name: plural, singularName: '', namespaced, kind, verbs };
    return [
      resource,
      ...(hasStatus ? [{ ...resource, name: `${plural}/status`, verbs: view }] : []),
      ...(hasScale
        ? [{ ...resource, name: `${plural}/scale`, group: 'autoscaling', version: 'v1', kind: 'Scale', verbs: view }]
        : []),
    ];
  });
}

/** The names of the kind and of its list, by `Kind` and `KindList`, whatever the list is called. */
export function customNames(kinds: readonly CustomKind[]): Map<string, string> {
  return new Map(
    kinds.flatMap(({ group, version, kind, listKind }) => [
      [kind, customName(group, version, kind)],
      [`${kind}List`, customName(group, version, listKind)],
    ]),
  );
}

/** The definitions of a kind and of its list, by name; each is made when it is written. */
export function customDefinitions(
  version: OpenApiVersion,
  custom: CustomKind,
  schemas: Schemas,
): [name: string, define: () => Json][] {
  const { group, version: v, kind, listKind } = custom;
  return [
    [customName(group, v, kind), () => objectDefinition(version, custom, schemas)],
    [customName(group, v, listKind), () => listDefinition(version, custom, schemas)],
  ];
}

function objectDefinition(version: OpenApiVersion, custom: CustomKind, schemas: Schemas): Json {
  const { kind, schema } = custom;
  const extensions = extensionsOf(custom, kind);
  // In version 2 kubectl takes what has properties for complete: nothing else may then be said of unknown fields.
  const isOpen = custom.preserveUnknownFields || schema?.['x-kubernetes-preserve-unknown-fields'] === true;
  if (schema === undefined || (version === 2 && isOpen)) return { type: 'object', ...extensions };
  const embedded = embeddedProperties(version, schemas);
  const { properties, ...rest } = version === 2 ? toSchema2(schema, embedded) : toSchema3(schema, embedded);
  const own = { ...(properties as Json | undefined), ...objectProperties(version, schemas) };
  return orderKeys({ ...rest, properties: sortKeys(own), ...extensions });
}

function listDefinition(version: OpenApiVersion, custom: CustomKind, schemas: Schemas): Json {
  const { group, kind, listKind, plural } = custom;
  const item = reference(version, customName(group, custom.version, kind));
  return {
    description: `${listKind} is a list of ${kind}`,
    type: 'object',
    required: ['items'],
    properties: {
      apiVersion: schemas.property(version, ANY_KIND, 'apiVersion'),
      items: {
        description: `List of ${plural}. More info: ${CONVENTIONS}`,
        type: 'array',
        items: { $ref: item },
      },
      kind: schemas.property(version, ANY_KIND, 'kind'),
      metadata: refer(version, `${META}.ListMeta`, schemas.describe(ANY_LIST, 'metadata')),
    },
    ...extensionsOf(custom, listKind),
  };
}

function extensionsOf({ group, version, selectableFields }: CustomKind, kind: string): Json {
  const fields = selectableFields.map((fieldPath) => ({ fieldPath }));
  return {
    'x-kubernetes-group-version-kind': [gvk(group, version, kind)],
    ...(fields.length > 0 ? { 'x-kubernetes-selectable-fields': fields } : {}),
  };
}

function objectProperties(version: OpenApiVersion, schemas: Schemas): Json {
  return {
    apiVersion: schemas.property(version, ANY_KIND, 'apiVersion'),
    kind: schemas.property(version, ANY_KIND, 'kind'),
    metadata: metadataProperty(version, schemas),
  };
}

/** What a field with `x-kubernetes-embedded-resource` has besides. */
function embeddedProperties(version: OpenApiVersion, schemas: Schemas): Json {
  const [says = ''] = schemas.describe(ANY_KIND, 'apiVersion').split('. ');
  const property = (text: string, about: string): Json => ({
    description: `${text} More info: ${CONVENTIONS}#${about}`,
    type: 'string',
  });
  return {
    apiVersion: property(`apiVersion${says.slice('apiVersion'.length)}.`, 'resources'),
    kind: property('kind is a string value representing the type of this object. In CamelCase.', 'types-kinds'),
    metadata: metadataProperty(version, schemas),
  };
}

function metadataProperty(version: OpenApiVersion, schemas: Schemas): Json {
  return refer(version, `${META}.ObjectMeta`, schemas.describe(ANY_KIND, 'metadata'));
}

function refer(version: OpenApiVersion, name: string, description: string): Json {
  const ref = { $ref: reference(version, name) };
  if (description === '') return ref;
  return version === 2 ? { description, ...ref } : { description, allOf: [ref] };
}

function sortKeys(object: Json): Json {
  return Object.fromEntries(Object.entries(object).sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** Extensions go last, by name; `properties` before them. */
function orderKeys(object: Json): Json {
  const isExtension = (key: string) => key.startsWith('x-');
  const entries = Object.entries(object);
  return Object.fromEntries([
    ...entries.filter(([key]) => !isExtension(key)),
    ...entries.filter(([key]) => isExtension(key)).sort(([a], [b]) => (a < b ? -1 : 1)),
  ]);
}
