/** From a definition to what is served: a resource in each of its versions, for the router, discovery and OpenAPI. */
import type {
  CustomResourceDefinition,
  CustomResourceDefinitionSpec,
  CustomResourceDefinitionVersion,
  CustomResourceSubresources,
  SelectableField,
} from '@keelson/api/generated/types/apiextensions/v1';
import { apiVersionOf, type KubeObject } from '@keelson/api/object';
import type { ApiResource } from '../discovery/documents.ts';
import { compareVersions } from '../discovery/priorities.ts';
import { storageVersionHash } from '../discovery/storage-version-hash.ts';
import type { CustomKind } from '../openapi/custom.ts';
import type { ResourceDefinition, ServedResource, Subresource } from '../registry/resource.ts';
import type { FieldLabels } from '../registry/strategy.ts';
import { customTable } from './columns.ts';
import { type ConversionDeps, conversionOf, RENAMING } from './conversion.ts';
import { CustomForm } from './form.ts';
import { parseJsonPath } from './jsonpath.ts';
import { customScale, replicasPaths } from './scale.ts';
import { customSchema } from './schema/index.ts';
import type { RuleMetrics } from './schema/metrics.ts';
import { type CustomBehaviour, customStatus, customStrategy } from './strategy.ts';
import { VersionedStore, type Versions } from './versioned-store.ts';

const ALL_VERBS = ['delete', 'deletecollection', 'get', 'list', 'patch', 'create', 'update', 'watch'];
const VIEW_VERBS = ['get', 'patch', 'update'];
const SCALE = { group: 'autoscaling', version: 'v1', kind: 'Scale' };

/** One version of a custom resource. */
export interface CustomVersion {
  readonly version: string;
  /** Versions that are not served are still there to be stored. */
  readonly isServed: boolean;
  readonly resource: ServedResource;
  readonly discovery: readonly ApiResource[];
  readonly openapi: CustomKind;
}

/**
 * @param crd one whose names are accepted
 * @param metrics where it is counted how long rules take
 * @returns its versions, in the order of the definition
 */
export function customVersions(
  crd: CustomResourceDefinition,
  deps: ConversionDeps,
  metrics?: RuleMetrics,
): CustomVersion[] {
  const { spec, status } = crd;
  const versions = spec.versions ?? [];
  const namespaced = spec.scope === 'Namespaced';
  const schemas = new Map(
    versions.map((version) => {
      const kind = { group: spec.group, version: version.name, kind: status.acceptedNames.kind };
      const preserveUnknownFields = spec.preserveUnknownFields ?? false;
      const options = { kind, namespaced, preserveUnknownFields, metrics };
      return [version.name, customSchema(version.schema?.openAPIV3Schema, options)];
    }),
  );
  const storage = versions.find((version) => version.storage)?.name ?? '';
  const inVersions = new Map<string, ServedResource>();
  const conversion = conversionOf(crd.metadata.name ?? '', spec.conversion, deps);
  return versions.map((version) => {
    const resource = serve(crd, version, { group: spec.group, storage, schemas, conversion }, inVersions);
    inVersions.set(apiVersionOf({ group: spec.group, version: version.name }), resource);
    return {
      version: version.name,
      isServed: version.served,
      resource,
      discovery: discoveryOf(crd, version),
      openapi: openapiOf(crd, version),
    };
  });
}

const WHILE_TERMINATING = new Set(['delete', 'deletecollection', 'get', 'list', 'watch']);

const NOTHING_NEW = 'create not allowed while custom resource definition is terminating';

/** The same while the definition is being deleted: nothing new, and discovery says so. */
export function terminating(version: CustomVersion): CustomVersion {
  const { resource, discovery } = version;
  const [own, ...below] = discovery;
  return {
    ...version,
    resource: { ...resource, verbs: WHILE_TERMINATING, refusesNew: NOTHING_NEW },
    discovery: [{ ...own!, verbs: own!.verbs.filter((verb) => WHILE_TERMINATING.has(verb)) }, ...below],
  };
}

function serve(
  { spec, status }: CustomResourceDefinition,
  version: CustomResourceDefinitionVersion,
  stored: Omit<Versions, 'own'>,
  versions: ReadonlyMap<string, ServedResource>,
): ServedResource {
  const { group } = spec;
  const { kind, plural, singular = '', listKind = `${kind}List` } = status.acceptedNames;
  const schema = stored.schemas.get(version.name)!;
  const form = new CustomForm(group, kind, schema, version.name === stored.storage);
  const { subresources = {}, selectableFields = [] } = version;
  const namespaced = spec.scope === 'Namespaced';
  const behaviour: CustomBehaviour = {
    kind: { group, version: version.name, kind },
    namespaced,
    schema,
    subresources,
    selectableFields: selectorOf(selectableFields),
    statusVersions: (spec.versions ?? [])
      .filter(({ subresources }) => subresources?.status)
      .map(({ name }) => apiVersionOf({ group, version: name })),
  };
  const warning = warningOf(version, spec);
  const fieldLabels = labelsOf(selectableFields, namespaced);
  const definition: ResourceDefinition = {
    group,
    resource: plural,
    kind,
    listKind,
    singular,
    namespaced,
    storage: { group, version: version.name },
    storageForm: form,
    prefix: `/registry/${group}/${plural}`,
    registration: {
      strategy: customStrategy(behaviour),
      table: customTable(version.additionalPrinterColumns),
      ...(subresources.status ? { subresources: { status: customStatus(behaviour) } } : {}),
      ...(subresources.scale ? { scale: customScale(subresources.scale, replicasPaths(spec)) } : {}),
      fieldLabels,
    },
    versions,
    storeView: (store) => new VersionedStore(store, { ...stored, own: version.name }),
  };
  return {
    definition,
    version: version.name,
    verbs: new Set(ALL_VERBS),
    subresources: subresourcesOf(subresources, kind, warning),
    form,
    warning,
    isReshaped: stored.conversion !== RENAMING,
    convert: async (object, apiVersion) => (await stored.conversion.convert([structuredClone(object)], apiVersion))[0]!,
  };
}

function subresourcesOf(
  { status, scale }: CustomResourceSubresources,
  kind: string,
  warning: string | undefined,
): Map<string, Subresource> {
  const verbs = new Set(VIEW_VERBS);
  const entries: Subresource[] = [
    ...(status ? [{ name: 'status', verbs, kind, warning }] : []),
    ...(scale ? [{ name: 'scale', verbs, ...SCALE, warning }] : []),
  ];
  return new Map(entries.map((entry) => [entry.name, entry]));
}

function selectorOf(fields: readonly SelectableField[]): (object: KubeObject) => Record<string, string> {
  const paths = fields.map(({ jsonPath }) => [jsonPath.replace(/^\./, ''), parseJsonPath(jsonPath)] as const);
  return (object) =>
    Object.fromEntries(
      paths.map(([name, path]) => {
        const [value] = path(object);
        return [name, value === undefined || value === null ? '' : String(value)];
      }),
    );
}

function labelsOf(fields: readonly SelectableField[], namespaced: boolean): FieldLabels {
  const own = fields.map(({ jsonPath }) => jsonPath.replace(/^\./, ''));
  return { supported: ['metadata.name', ...(namespaced ? ['metadata.namespace'] : []), ...own] };
}

/** The definition's own words, or which version to use in place of this one. */
function warningOf(version: CustomResourceDefinitionVersion, spec: CustomResourceDefinitionSpec): string | undefined {
  if (!version.deprecated) return undefined;
  if (version.deprecationWarning !== undefined) return version.deprecationWarning;
  const { group, names } = spec;
  const [better] = (spec.versions ?? [])
    .filter((other) => other.served && !other.deprecated && compareVersions(other.name, version.name) < 0)
    .map(({ name }) => name)
    .sort(compareVersions);
  const use = better === undefined ? '' : `; use ${group}/${better} ${names.kind}`;
  return `${group}/${version.name} ${names.kind} is deprecated${use}`;
}

function discoveryOf(
  { spec, status }: CustomResourceDefinition,
  { name: version, subresources = {} }: CustomResourceDefinitionVersion,
): ApiResource[] {
  const { kind, plural, singular = '', shortNames = [], categories = [] } = status.acceptedNames;
  const namespaced = spec.scope === 'Namespaced';
  const storage = spec.versions?.find((each) => each.storage)?.name ?? version;
  const view = { singularName: '', namespaced, verbs: VIEW_VERBS };
  return [
    {
      name: plural,
      singularName: singular,
      namespaced,
      kind,
      verbs: ALL_VERBS,
      shortNames,
      categories,
      storageVersionHash: storageVersionHash(spec.group, storage, kind),
    },
    ...(subresources.status ? [{ ...view, name: `${plural}/status`, kind }] : []),
    ...(subresources.scale ? [{ ...view, name: `${plural}/scale`, ...SCALE }] : []),
  ];
}

function openapiOf({ spec, status }: CustomResourceDefinition, version: CustomResourceDefinitionVersion): CustomKind {
  const { kind, plural, listKind = `${kind}List` } = status.acceptedNames;
  const { subresources = {}, selectableFields = [] } = version;
  return {
    group: spec.group,
    version: version.name,
    plural,
    kind,
    listKind,
    namespaced: spec.scope === 'Namespaced',
    hasStatus: subresources.status !== undefined,
    hasScale: subresources.scale !== undefined,
    schema: version.schema?.openAPIV3Schema as CustomKind['schema'],
    selectableFields: selectableFields.map(({ jsonPath }) => jsonPath.replace(/^\./, '')),
    ...(spec.preserveUnknownFields ? { preserveUnknownFields: true } : {}),
  };
}
