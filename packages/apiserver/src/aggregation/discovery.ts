/**
 * What remote servers say that they serve, for this server's own discovery documents
 * (kube-aggregator/pkg/apiserver/handler_discovery.go).
 */
import type { APIService } from '@keelson/api/generated/types/apiregistration/v1';
import { equal } from '@keelson/api/patch/value';
import {
  type ApiResource,
  type ResourceDiscovery,
  type SubresourceDiscovery,
  toDiscovery,
} from '../discovery/documents.ts';
import type { ApiGroups } from '../discovery/groups.ts';
import { discoveryPath, referenceOf } from './apiservice.ts';
import type { Question, Remote, RemoteReply } from './remote.ts';

const TIMEOUT_MS = 5000;
const AGGREGATED = ['v2', 'v2beta1']
  .map((version) => `application/json;g=apidiscovery.k8s.io;v=${version};as=APIGroupDiscoveryList`)
  .join(',');
/** The second question is one that servers older than the aggregated form understand. */
const USER = { name: 'system:kube-aggregator', groups: ['system:masters'] };

/** By `group/version`. */
type Versions = ReadonlyMap<string, readonly ResourceDiscovery[]>;

interface Known {
  readonly etag: string;
  readonly versions: Versions;
}

export class RemoteDiscovery {
  readonly #remote: Pick<Remote, 'ask' | 'backend'>;
  readonly #groups: ApiGroups;
  /** By service: several versions may have the same one. */
  readonly #known = new Map<string, Known>();

  constructor(remote: Pick<Remote, 'ask' | 'backend'>, groups: ApiGroups) {
    this.#remote = remote;
    this.#groups = groups;
  }

  /**
   * Asks and shows what comes; when nothing does, the version is shown without resources, as stale.
   * @throws Error then: to be tried again
   */
  async refresh(service: APIService): Promise<void> {
    try {
      this.#show(service, 'Current', await this.#fetch(service));
    } catch (error) {
      this.#show(service, 'Stale', []);
      throw error;
    }
  }

  /** Shows that there is such a version before anybody was asked. */
  announce(service: APIService): void {
    const { group = '', version = '' } = service.spec;
    const known = this.#groups.aggregated(group, version);
    this.#show(service, known?.freshness ?? 'Stale', known?.discovery ?? []);
  }

  remove(service: APIService): void {
    this.#groups.removeVersion('aggregated', service.spec.group ?? '', service.spec.version ?? '');
  }

  #show({ spec }: APIService, freshness: 'Current' | 'Stale', discovery: readonly ResourceDiscovery[]): void {
    const { group = '', version = '', groupPriorityMinimum, versionPriority } = spec;
    const priority = { group: groupPriorityMinimum, version: versionPriority };
    const shown = { resources: [], discovery, priority, freshness };
    // Documents are rendered again after each change.
    if (equal(shown, this.#groups.aggregated(group, version))) return;
    this.#groups.setVersion('aggregated', group, version, shown);
  }

  async #fetch(service: APIService): Promise<readonly ResourceDiscovery[]> {
    const { group = '', version = '' } = service.spec;
    const reference = Object.values(referenceOf(service)!).join('/');
    const known = this.#known.get(reference);
    const headers = { accept: AGGREGATED, ...(known && known.etag !== '' ? { 'if-none-match': known.etag } : {}) };
    const reply = await this.#ask(service, '/apis', headers);
    if (reply.status === 304 && known) return known.versions.get(`${group}/${version}`) ?? [];
    if (reply.status === 503) throw new Error(`service ${reference} returned non-success response code: 503`);
    if (reply.status !== 200 || !isAggregated(reply)) return this.#fetchLegacy(service);
    const versions = versionsOf(JSON.parse(reply.body.toString()));
    this.#known.set(reference, { etag: reply.headers.etag ?? '', versions });
    return versions.get(`${group}/${version}`) ?? [];
  }

  async #fetchLegacy(service: APIService): Promise<readonly ResourceDiscovery[]> {
    const path = discoveryPath(service);
    const reply = await this.#ask(service, path, { accept: 'application/json' });
    if (reply.status !== 200)
      throw new Error(`failed to download legacy discovery for ${path}: status ${reply.status}`);
    const { resources } = JSON.parse(reply.body.toString()) as { resources?: Partial<ApiResource>[] };
    return toDiscovery((resources ?? []).map(resourceOf));
  }

  async #ask(service: APIService, path: string, headers: Question['headers']): Promise<RemoteReply> {
    const backend = await this.#remote.backend(service, path);
    return this.#remote.ask(backend, { path, user: USER, timeoutMs: TIMEOUT_MS, ...(headers ? { headers } : {}) });
  }
}

function isAggregated({ headers }: RemoteReply): boolean {
  const type = headers['content-type'] ?? '';
  return /;\s*g=apidiscovery\.k8s\.io/.test(type) && /;\s*as=APIGroupDiscoveryList/.test(type);
}

interface GroupList {
  readonly items?: readonly {
    readonly metadata?: { readonly name?: string };
    readonly versions?: readonly {
      readonly version?: string;
      readonly resources?: readonly Partial<ResourceDiscovery>[];
    }[];
  }[];
}

function versionsOf(list: GroupList): Versions {
  const versions = new Map<string, readonly ResourceDiscovery[]>();
  for (const { metadata, versions: each } of list.items ?? [])
    for (const { version = '', resources = [] } of each ?? [])
      versions.set(`${metadata?.name ?? ''}/${version}`, resources.map(discoveryOf));
  return versions;
}

const NO_KIND = { group: '', version: '', kind: '' };

/** What is known of a resource, each field of it; old clients stumble over what has no kind. */
function discoveryOf(resource: Partial<ResourceDiscovery>): ResourceDiscovery {
  const { shortNames = [], categories = [], subresources = [] } = resource;
  return {
    resource: resource.resource ?? '',
    responseKind: { ...NO_KIND, ...resource.responseKind },
    scope: resource.scope === 'Cluster' ? 'Cluster' : 'Namespaced',
    singularResource: resource.singularResource ?? '',
    verbs: resource.verbs ?? [],
    ...(shortNames.length > 0 ? { shortNames } : {}),
    ...(categories.length > 0 ? { categories } : {}),
    ...(subresources.length > 0 ? { subresources: subresources.map(subresourceOf) } : {}),
  };
}

function subresourceOf(resource: Partial<SubresourceDiscovery>): SubresourceDiscovery {
  return {
    subresource: resource.subresource ?? '',
    responseKind: { ...NO_KIND, ...resource.responseKind },
    verbs: resource.verbs ?? [],
  };
}

function resourceOf(resource: Partial<ApiResource>): ApiResource {
  const { name = '', singularName = '', namespaced = false, kind = '', verbs = [] } = resource;
  return { ...resource, name, singularName, namespaced, kind, verbs };
}
