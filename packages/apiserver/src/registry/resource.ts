/**
 * A resource as the server sees it: names and verbs from the generated facts (or a CRD), behaviour from its registration.
 */
import { badRequest, type GroupResource, StatusError } from '@keelson/api/errors';
import { quote } from '@keelson/api/field';
import { apiVersionOf, type KubeObject } from '@keelson/api/object';
import { typeOfKind } from '@keelson/api/schema';
import { isPathSegmentName } from '@keelson/api/validation/names';
import type { Store } from '@keelson/storage/store';
import { deprecationWarning } from './deprecation.ts';
import { type ObjectForm, typedForm } from './form.ts';
import type { KindRegistration } from './strategy.ts';

export interface Subresource {
  readonly name: string;
  readonly verbs: ReadonlySet<string>;
  /** Group, version and kind of its body where they differ from the resource's (Scale, Eviction, TokenRequest). */
  readonly group?: string;
  readonly version?: string;
  readonly kind: string;
  /** What clients are told when its kind is deprecated. */
  readonly warning?: string | undefined;
}

/** One resource in one served version. */
export interface ServedResource {
  readonly definition: ResourceDefinition;
  readonly version: string;
  readonly verbs: ReadonlySet<string>;
  readonly subresources: ReadonlyMap<string, Subresource>;
  readonly form: ObjectForm;
  /** Why no object may be created any more, which is said at admission: those that are there can be changed. */
  readonly refusesNew?: string;
  /** What clients are told when this version of the kind is deprecated. */
  readonly warning?: string | undefined;
  /** Of custom resources: a webhook converts between their versions. */
  readonly isReshaped?: boolean;
  /** Of custom resources: a copy in another of their versions. @throws StatusError 500 where a webhook does not make it */
  readonly convert?: (object: KubeObject, apiVersion: string) => KubeObject | Promise<KubeObject>;
}

export interface ResourceDefinition extends GroupResource {
  readonly kind: string;
  readonly listKind: string;
  readonly singular: string;
  readonly namespaced: boolean;
  /** Group and version of the stored form; the group differs for events.k8s.io alone. */
  readonly storage: { readonly group: string; readonly version: string };
  readonly storageForm: ObjectForm;
  /** Key prefix in the store without trailing slash: `/registry/services/specs`. */
  readonly prefix: string;
  readonly registration: KindRegistration;
  /** What lies between the resource and the store, where that is not the store itself. */
  readonly storeView?: (store: Store) => Store;
  /** Every version that is served, by `group/version`. */
  readonly versions: ReadonlyMap<string, ServedResource>;
}

export interface DiscoveredResource {
  readonly name: string;
  readonly kind: string;
  readonly group?: string;
  readonly version?: string;
  readonly namespaced: boolean;
  readonly singularName: string;
  readonly verbs: readonly string[];
}

export interface DiscoveredGroup {
  readonly name: string;
  /** In order of preference. */
  readonly versions: readonly { readonly version: string; readonly resources?: readonly DiscoveredResource[] }[];
}

/** Where upstream's names in etcd are not the resource's (kubernetes/pkg/kubeapiserver/default_storage_factory_builder.go). */
const SPECIAL_PREFIXES: Readonly<Record<string, string>> = {
  replicationcontrollers: 'controllers',
  endpoints: 'services/endpoints',
  services: 'services/specs',
  nodes: 'minions',
  'ingresses.networking.k8s.io': 'ingress',
  'events.k8s.io': 'events',
};
/** Groups that are served by the servers behind kube-apiserver's and keep their group in the key. */
const GROUPS_IN_PREFIX = new Set(['apiextensions.k8s.io', 'apiregistration.k8s.io']);

/**
 * @param groups discovery documents, versions in order of preference
 * @param registrations by `resource` or `resource.group`
 * @returns what is served, by `group/version/resource`
 */
export function buildResources(
  groups: readonly DiscoveredGroup[],
  registrations: Readonly<Record<string, KindRegistration>>,
): Map<string, ServedResource> {
  const served = new Map<string, ServedResource>();
  for (const group of groups) {
    const definitions = new Map<string, ResourceDefinition & { readonly versions: Map<string, ServedResource> }>();
    for (const { version, resources = [] } of group.versions) {
      for (const r of resources.filter((x) => !x.name.includes('/'))) {
        let definition = definitions.get(r.name);
        if (!definition) {
          definition = define(group.name, version, r, registrations);
          definitions.set(r.name, definition);
        }
        const inVersion = serve(definition, version, r, resources);
        definition.versions.set(apiVersionOf({ group: group.name, version }), inVersion);
        served.set(`${group.name}/${version}/${r.name}`, inVersion);
      }
    }
  }
  return served;
}

function serve(
  definition: ResourceDefinition,
  version: string,
  r: DiscoveredResource,
  siblings: readonly DiscoveredResource[],
): ServedResource {
  const below = siblings.filter((x) => x.name.startsWith(`${r.name}/`));
  return {
    definition,
    version,
    verbs: new Set(r.verbs),
    subresources: new Map(
      below.map((x) => {
        const name = x.name.slice(r.name.length + 1);
        return [name, subresource(name, x, { group: definition.group, version })] as const;
      }),
    ),
    form: builtinForm(r.group ?? definition.group, version, r.kind),
    warning: deprecationWarning({ group: definition.group, version, kind: r.kind }),
  };
}

function builtinForm(group: string, version: string, kind: string): ObjectForm {
  const type = typeOfKind(group, version, kind);
  if (!type) throw new Error(`no type for ${kind} in ${group}/${version}`);
  return typedForm(type);
}

function subresource(name: string, d: DiscoveredResource, parent: { group: string; version: string }): Subresource {
  return {
    name,
    verbs: new Set(d.verbs),
    ...(d.group === undefined ? {} : { group: d.group }),
    ...(d.version === undefined ? {} : { version: d.version }),
    kind: d.kind,
    warning: deprecationWarning({ ...parent, ...d }),
  };
}

function define(
  group: string,
  version: string,
  r: DiscoveredResource,
  registrations: Readonly<Record<string, KindRegistration>>,
): ResourceDefinition & { readonly versions: Map<string, ServedResource> } {
  const qualified = group === '' ? r.name : `${r.name}.${group}`;
  const registration = registrations[qualified] ?? { strategy: {} };
  const storage = registration.storedAs ?? { group, version };
  const short = SPECIAL_PREFIXES[qualified] ?? (GROUPS_IN_PREFIX.has(group) ? `${group}/${r.name}` : r.name);
  return {
    group,
    resource: r.name,
    kind: r.kind,
    listKind: `${r.kind}List`,
    singular: r.singularName,
    namespaced: r.namespaced,
    storage,
    storageForm: builtinForm(storage.group, storage.version, r.kind),
    prefix: `${ROOT}/${short}`,
    registration,
    versions: new Map(),
  };
}

/** What all keys begin with; clients are not told of it. */
export const ROOT = '/registry';

/** The key of an object in the store. */
export function keyOf(definition: ResourceDefinition, namespace: string, name: string): string {
  return definition.namespaced ? `${definition.prefix}/${namespace}/${name}` : `${definition.prefix}/${name}`;
}

/** The same of what a client has given. @throws StatusError 400 for a name that is no segment of a key, 500 for such a namespace */
export function requestedKeyOf(definition: ResourceDefinition, namespace: string, name: string): string {
  const problems = isPathSegmentName(name);
  if (problems.length > 0) throw badRequest(`Name parameter invalid: ${quote(name)}: ${problems.join(';')}`);
  const key = keyOf(definition, namespace, name);
  checkKey(definition, namespace, key);
  return key;
}

/** @throws StatusError 500 for what would lead out of the namespace (apiserver/pkg/storage/etcd3/store.go, prepareKey) */
export function checkKey({ namespaced }: ResourceDefinition, namespace: string, key: string): void {
  if (!namespaced || (namespace !== '.' && namespace !== '..')) return;
  throw new StatusError(500, '', `invalid key: ${quote(key.slice(ROOT.length))}`);
}
