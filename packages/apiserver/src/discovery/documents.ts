/**
 * The discovery documents as plain objects, keys in the order in which upstream writes them
 * (apimachinery/pkg/apis/meta/v1 APIGroupList…, k8s.io/api/apidiscovery/v2).
 */

/** meta/v1 APIResource. Of a subresource the name is `pods/status`, group and version are those of its body. */
export interface ApiResource {
  readonly name: string;
  readonly singularName: string;
  readonly namespaced: boolean;
  readonly group?: string;
  readonly version?: string;
  readonly kind: string;
  readonly verbs: readonly string[];
  readonly shortNames?: readonly string[];
  readonly categories?: readonly string[];
  readonly storageVersionHash?: string;
}

interface ResponseKind {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
}

/** apidiscovery.k8s.io/v2 APIResourceDiscovery. */
export interface ResourceDiscovery {
  readonly resource: string;
  readonly responseKind: ResponseKind;
  /** `Namespaced` or `Cluster`; of a remote server, what it says. */
  readonly scope: string;
  readonly singularResource: string;
  readonly verbs: readonly string[];
  readonly shortNames?: readonly string[];
  readonly categories?: readonly string[];
  readonly subresources?: readonly SubresourceDiscovery[];
}

export interface SubresourceDiscovery {
  readonly subresource: string;
  readonly responseKind: ResponseKind;
  readonly acceptedTypes?: readonly ResponseKind[];
  readonly verbs: readonly string[];
}

export interface VersionDiscovery {
  readonly version: string;
  /** Not there where there are none. */
  readonly resources?: readonly ResourceDiscovery[];
  readonly freshness: 'Current' | 'Stale';
}

/** apidiscovery.k8s.io/v2 APIGroupDiscovery; the core group has no name. */
export interface GroupDiscovery {
  readonly metadata: { readonly name?: string };
  readonly versions: readonly VersionDiscovery[];
}

/** The group `''` is called by its version alone. */
function groupVersion(group: string, version: string): string {
  return group === '' ? version : `${group}/${version}`;
}

/** GET /api. */
export function apiVersions(versions: readonly string[], serverAddress: string): object {
  return {
    kind: 'APIVersions',
    versions,
    serverAddressByClientCIDRs: [{ clientCIDR: '0.0.0.0/0', serverAddress }],
  };
}

/** GET /apis/<group>; the first version is the preferred one. */
export function apiGroup(name: string, versions: readonly string[]): object {
  return { kind: 'APIGroup', apiVersion: 'v1', ...groupEntry(name, versions) };
}

/** GET /apis. */
export function apiGroupList(groups: readonly { name: string; versions: readonly string[] }[]): object {
  return {
    kind: 'APIGroupList',
    apiVersion: 'v1',
    groups: groups.map((g) => groupEntry(g.name, g.versions)),
  };
}

function groupEntry(name: string, versions: readonly string[]): object {
  const entries = versions.map((version) => ({ groupVersion: groupVersion(name, version), version }));
  return { name, versions: entries, preferredVersion: entries[0] };
}

/**
 * GET /api/v1 and /apis/<group>/<version>. The core group's lacks the apiVersion, as it did in release 1.1.
 * @param showsHashes of the versions that are stored
 */
export function apiResourceList(
  group: string,
  version: string,
  resources: readonly ApiResource[],
  showsHashes: boolean,
): object {
  return {
    kind: 'APIResourceList',
    ...(group === '' ? {} : { apiVersion: 'v1' }),
    groupVersion: groupVersion(group, version),
    resources: resources.map(
      ({
        name,
        singularName,
        namespaced,
        group,
        version,
        kind,
        verbs,
        shortNames,
        categories,
        storageVersionHash,
      }) => ({
        name,
        singularName,
        namespaced,
        ...(group === undefined ? {} : { group }),
        ...(version === undefined ? {} : { version }),
        kind,
        verbs,
        ...(shortNames?.length ? { shortNames } : {}),
        ...(categories?.length ? { categories } : {}),
        ...(storageVersionHash === undefined || !showsHashes ? {} : { storageVersionHash }),
      }),
    ),
  };
}

/** A group of the aggregated document. */
export function groupDiscovery(name: string, versions: readonly VersionDiscovery[]): GroupDiscovery {
  return { metadata: name === '' ? {} : { name }, versions };
}

/**
 * The resources of one version in aggregated form: subresources below their parents, which stay in order.
 * (endpoints/installer.go ConvertGroupVersionIntoToDiscovery.)
 * @param own group and version that a kind without its own is said to have; built-in resources leave them empty
 */
export function toDiscovery(
  resources: readonly ApiResource[],
  own: { group: string; version: string } = { group: '', version: '' },
): ResourceDiscovery[] {
  const responseKind = (r: ApiResource): ResponseKind => ({
    group: r.group ?? own.group,
    version: r.version ?? own.version,
    kind: r.kind,
  });
  const names = [...new Set(resources.map((r) => r.name.split('/')[0]!))];
  return names.map((name) => {
    const parent = resources.find((r) => r.name === name);
    const below = resources.filter((r) => r.name.startsWith(`${name}/`));
    const subresources = below.map((r) => ({
      subresource: r.name.slice(name.length + 1),
      responseKind: responseKind(r),
      verbs: r.verbs,
    }));
    return {
      resource: name,
      responseKind: parent ? responseKind(parent) : { group: '', version: '', kind: '' },
      scope: (parent ?? below[0]!).namespaced ? 'Namespaced' : 'Cluster',
      singularResource: parent?.singularName ?? '',
      verbs: parent?.verbs ?? [],
      ...(parent?.shortNames?.length ? { shortNames: parent.shortNames } : {}),
      ...(parent?.categories?.length ? { categories: parent.categories } : {}),
      ...(subresources.length ? { subresources } : {}),
    };
  });
}
