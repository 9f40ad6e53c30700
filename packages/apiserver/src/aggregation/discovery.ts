/**
 * What remote servers say that they serve, for this server's own discovery documents
 * (kube-aggregator/pkg/apiserver/handler_discovery.go).
 */
import type { APIService } from '@keelson/api/generated/types/apiregistration/v1';
import { equal } from '@keelson/api/patch/value';
import { ConfigObject } from '@keelson/component/configfile';
import { parseAggregated } from '../discovery/aggregated.ts';
import { type ApiResource, type GroupDiscovery, type ResourceDiscovery, toDiscovery } from '../discovery/documents.ts';
import type { ApiGroups } from '../discovery/groups.ts';
import { discoveryPath, referenceOf } from './apiservice.ts';
import type { Remote } from './remote.ts';

const TIMEOUT_MS = 5000;
const AGGREGATED = ['v2', 'v2beta1']
  .map((version) => `application/json;g=apidiscovery.k8s.io;v=${version};as=APIGroupDiscoveryList`)
  .join(',');
const USER = { name: 'system:kube-aggregator', groups: ['system:masters'] };
/** For the question that servers older than the aggregated form understand. */
const LEGACY_USER = { ...USER, groups: [] };

/** By `group/version`. */
type Versions = ReadonlyMap<string, readonly ResourceDiscovery[]>;

interface Known {
  readonly etag: string;
  readonly versions: Versions;
}

export class RemoteDiscovery {
  readonly #remote: Pick<Remote, 'ask'>;
  readonly #groups: ApiGroups;
  /** By service, `namespace/name:port`: several versions may have the same one. */
  readonly #known = new Map<string, Known>();

  constructor(remote: Pick<Remote, 'ask'>, groups: ApiGroups) {
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
    this.#known.delete(keyOf(service));
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
    const key = keyOf(service);
    const known = this.#known.get(key);
    const headers = { accept: AGGREGATED, ...(known && known.etag !== '' ? { 'if-none-match': known.etag } : {}) };
    const reply = await this.#remote.ask(service, { path: '/apis', user: USER, headers, timeoutMs: TIMEOUT_MS });
    if (reply.status === 304 && known) return known.versions.get(`${group}/${version}`) ?? [];
    if (reply.status === 503) throw new Error(`service ${key} returned non-success response code: 503`);
    const groups = reply.status === 200 ? parseAggregated(reply) : undefined;
    if (!groups) return this.#fetchLegacy(service);
    const versions = versionsOf(groups);
    this.#known.set(key, { etag: reply.headers.etag ?? '', versions });
    return versions.get(`${group}/${version}`) ?? [];
  }

  async #fetchLegacy(service: APIService): Promise<readonly ResourceDiscovery[]> {
    const path = discoveryPath(service);
    const headers = { accept: 'application/json' };
    const reply = await this.#remote.ask(service, { path, user: LEGACY_USER, headers, timeoutMs: TIMEOUT_MS });
    if (reply.status !== 200)
      throw new Error(`failed to download legacy discovery for ${path}: status ${reply.status}`);
    return toDiscovery(new ConfigObject(JSON.parse(reply.body.toString())).objects('resources').map(resourceOf));
  }
}

function keyOf(service: APIService): string {
  const { namespace, name, port } = referenceOf(service)!;
  return `${namespace}/${name}:${port}`;
}

function versionsOf(groups: readonly GroupDiscovery[]): Versions {
  return new Map(
    groups.flatMap(({ metadata: { name = '' }, versions }) =>
      versions.map(({ version, resources = [] }) => [`${name}/${version}`, resources] as const),
    ),
  );
}

function resourceOf(resource: ConfigObject): ApiResource {
  const [group, version] = [resource.string('group'), resource.string('version')];
  return {
    name: resource.string('name'),
    singularName: resource.string('singularName'),
    namespaced: resource.boolean('namespaced'),
    ...(group === '' ? {} : { group }),
    ...(version === '' ? {} : { version }),
    kind: resource.string('kind'),
    verbs: resource.strings('verbs'),
    shortNames: resource.strings('shortNames'),
    categories: resource.strings('categories'),
  };
}
