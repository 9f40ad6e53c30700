/**
 * Which API groups, versions and resources there are, and their discovery documents as rendered bytes. Built-in groups
 * are set at start; custom resources and APIServices come and go later.
 */
import { equal } from '@keelson/api/patch/value';
import { encodeDocument } from '../http/encode.ts';
import type { MediaType } from '../http/negotiate.ts';
import { type RenderedDocument, renderAggregated } from './aggregated.ts';
import {
  type ApiResource,
  apiGroup,
  apiGroupList,
  apiResourceList,
  apiVersions,
  type GroupDiscovery,
  groupDiscovery,
  type ResourceDiscovery,
  toDiscovery,
  type VersionDiscovery,
} from './documents.ts';
import { compareVersions, type Priority } from './priorities.ts';

/** Where a version comes from. Where several serve the same one, the first in this order is shown. */
const SOURCES = ['aggregated', 'builtin', 'custom'] as const;
export type Source = (typeof SOURCES)[number];

export interface ApiVersion {
  readonly resources: readonly ApiResource[];
  /** The aggregated form where it is not what follows from `resources`, e.g. as a remote server tells it. */
  readonly discovery?: readonly ResourceDiscovery[];
  readonly priority: Priority;
  /** `Stale` while the server behind the version does not answer. Default `Current`. */
  readonly freshness?: 'Current' | 'Stale';
}

/** Which document: the root lists, one group, one version, or the aggregated lists (apidiscovery.k8s.io/v2). */
export type DocumentName =
  | { readonly kind: 'api' | 'apis' | 'aggregatedApi' | 'aggregatedApis' }
  | { readonly kind: 'group'; readonly group: string }
  | { readonly kind: 'version'; readonly group: string; readonly version: string };

type Sourced = Partial<Record<Source, ApiVersion>>;

export class ApiGroups {
  readonly #groups = new Map<string, Map<string, Sourced>>();
  /** By group and version, as APIServices have it; null where those were deleted. */
  readonly #registered = new Map<string, Map<string, Priority | null>>();
  readonly #rendered = new Map<string, RenderedDocument>();
  readonly #listeners = new Set<() => void>();
  readonly #serverAddress: () => string;
  readonly #showsHashes: boolean;

  /**
   * @param serverAddress `host:port` under which clients reach this server, as /api tells it
   * @param showsHashes whether resources tell the hash of the version that they are stored as
   */
  constructor(serverAddress: () => string, showsHashes: boolean) {
    this.#showsHashes = showsHashes;
    this.#serverAddress = serverAddress;
  }

  /** Adds a version or replaces it. */
  setVersion(source: Source, group: string, version: string, entry: ApiVersion): void {
    const versions = this.#groups.get(group) ?? new Map<string, Sourced>();
    versions.set(version, { ...versions.get(version), [source]: entry });
    this.#groups.set(group, versions);
    this.#changed();
  }

  /** A group whose last version goes is gone. Unknown versions are ignored. */
  removeVersion(source: Source, group: string, version: string): void {
    const versions = this.#groups.get(group);
    const entry = versions?.get(version);
    if (!versions || !entry?.[source]) return;
    const { [source]: _, ...rest } = entry;
    if (Object.keys(rest).length > 0) versions.set(version, rest);
    else versions.delete(version);
    if (versions.size === 0) this.#groups.delete(group);
    this.#changed();
  }

  /**
   * /apis lists versions as their APIServices say, those too that another server has registered; other documents as they are served.
   * @param priority null: there is no such APIService any more
   */
  setRegistered(group: string, version: string, priority: Priority | null): void {
    const versions = this.#registered.get(group) ?? new Map<string, Priority | null>();
    if (equal(versions.get(version), priority)) return;
    this.#registered.set(group, versions.set(version, priority));
    this.#rendered.clear();
  }

  /** Whether all that this server itself serves of the group comes from definitions of custom resources. */
  isCustom(group: string): boolean {
    const own = this.#own(group);
    return own.length > 0 && own.every((entry) => entry.custom && !entry.builtin);
  }

  /** Whether this server itself serves something of the group. */
  isOwn(group: string): boolean {
    return this.#own(group).length > 0;
  }

  #own(group: string): Sourced[] {
    return [...(this.#groups.get(group)?.values() ?? [])].filter((entry) => entry.builtin || entry.custom);
  }

  /** Whether it is served here, or registered by a server that does. */
  hasGroup(group: string): boolean {
    return this.#groups.has(group) || this.#registeredElsewhere(group).length > 0;
  }

  /** What another server serves of a version. */
  aggregated(group: string, version: string): ApiVersion | undefined {
    return this.#groups.get(group)?.get(version)?.aggregated;
  }

  /** What is shown of a version; undefined when it is not served. */
  version(group: string, version: string): ApiVersion | undefined {
    const entry = this.#groups.get(group)?.get(version);
    return entry && shown(entry);
  }

  /** Where what is shown of a version comes from. */
  sourceOf(group: string, version: string): Source | undefined {
    const entry = this.#groups.get(group)?.get(version);
    return entry && SOURCES.find((source) => entry[source]);
  }

  /** The versions of a group, the preferred one first; [] for an unknown group. */
  versions(group: string): string[] {
    return inOrder([...(this.#groups.get(group) ?? [])].map(([name, s]) => ({ name, priority: shown(s).priority })));
  }

  /** The same as APIServices have it. */
  #registeredVersions(group: string): Ranked[] {
    const own = [...(this.#groups.get(group) ?? [])].flatMap(([name, entry]) => {
      const registered = entry.aggregated ? undefined : this.#registered.get(group)?.get(name);
      if (registered === null && entry.builtin) return [];
      return [{ name, priority: (entry.builtin && registered) || shown(entry).priority }];
    });
    return [...own, ...this.#registeredElsewhere(group)];
  }

  /** Versions that nobody serves here, but the plain documents list. */
  #registeredElsewhere(group: string): Ranked[] {
    const own = this.#groups.get(group);
    return [...(this.#registered.get(group) ?? [])].flatMap(([name, priority]) =>
      priority && !own?.has(name) ? [{ name, priority }] : [],
    );
  }

  /** All that are served or registered. */
  #groupNames(): string[] {
    return [...new Set([...this.#groups.keys(), ...this.#registered.keys()])].filter((group) => group !== '');
  }

  /** `/apis/<group>` and `/apis/<group>/<version>` of all groups but the core one. */
  paths(): string[] {
    const groups = this.#groupNames().filter((group) => this.hasGroup(group));
    return groups.flatMap((group) => {
      const versions = [...this.versions(group), ...this.#registeredElsewhere(group).map(({ name }) => name)];
      return [`/apis/${group}`, ...versions.map((version) => `/apis/${group}/${version}`)];
    });
  }

  /** Calls back after every change, e.g. to tell what depends on the set of resources. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** The document's bytes, rendered once and kept until something changes. Undefined for an unknown group or version. */
  document(name: DocumentName, mediaType: MediaType, pretty: boolean): RenderedDocument | undefined {
    const key = `${pretty ? '+' : ''}${mediaType} ${Object.values(name).join('/')}`;
    const known = this.#rendered.get(key);
    if (known) return known;
    const rendered = this.#render(name, mediaType, pretty);
    if (rendered && !pretty) this.#rendered.set(key, rendered);
    return rendered;
  }

  #render(name: DocumentName, mediaType: MediaType, pretty: boolean): RenderedDocument | undefined {
    if (name.kind === 'aggregatedApi' || name.kind === 'aggregatedApis') {
      const groups = name.kind === 'aggregatedApi' ? this.#discoveryOf(['']) : this.aggregatedGroups();
      return renderAggregated(groups, mediaType, pretty);
    }
    const object = this.#legacy(name);
    return object && { bytes: encodeDocument(object, mediaType, pretty), etag: '' };
  }

  #legacy(name: DocumentName): object | undefined {
    switch (name.kind) {
      case 'api':
        return apiVersions(this.versions(''), this.#serverAddress());
      case 'apis':
        return apiGroupList(this.#groupsInLegacyOrder());
      case 'group': {
        const registered = inOrder(this.#registeredVersions(name.group));
        const versions = registered.length > 0 ? registered : this.versions(name.group);
        return this.hasGroup(name.group) ? apiGroup(name.group, versions) : undefined;
      }
      case 'version': {
        const entry = this.version(name.group, name.version);
        return entry && apiResourceList(name.group, name.version, entry.resources, this.#showsHashes);
      }
    }
    return undefined;
  }

  /** What the aggregated /apis lists. */
  aggregatedGroups(): GroupDiscovery[] {
    return this.#discoveryOf(this.#groupsInAggregatedOrder());
  }

  #discoveryOf(groups: readonly string[]): GroupDiscovery[] {
    return groups.map((group) =>
      groupDiscovery(
        group,
        this.versions(group).flatMap((version) => this.#versionDiscovery(group, version)),
      ),
    );
  }

  #versionDiscovery(group: string, version: string): VersionDiscovery[] {
    const entry = this.version(group, version);
    if (!entry) return [];
    const own = this.sourceOf(group, version) === 'custom' ? { group, version } : undefined;
    const resources = entry.discovery ?? toDiscovery(entry.resources, own);
    return [{ version, ...(resources.length > 0 ? { resources } : {}), freshness: entry.freshness ?? 'Current' }];
  }

  /** By the highest priority that one of a group's versions claims, then by name. */
  #groupsInAggregatedOrder(): string[] {
    const groups = [...this.#groups].filter(([name]) => name !== '');
    return groups
      .map(([name, versions]) =>
        rank(
          name,
          [...versions].map(([version, s]) => ({ name: version, priority: shown(s).priority })),
        ),
      )
      .sort((a, b) => b.priority - a.priority || (a.name < b.name ? -1 : 1))
      .map(({ name }) => name);
  }

  /** Between groups of one priority /apis goes by the names of their APIServices, `v1.apps`. */
  #groupsInLegacyOrder(): { name: string; versions: string[] }[] {
    return this.#groupNames()
      .map((name) => ({ name, versions: this.#registeredVersions(name) }))
      .filter(({ versions }) => versions.length > 0)
      .map(({ name, versions }) => ({ ...rank(name, versions), versions: inOrder(versions) }))
      .sort((a, b) => b.priority - a.priority || (a.service < b.service ? -1 : 1));
  }

  #changed(): void {
    this.#rendered.clear();
    for (const listener of this.#listeners) listener();
  }
}

interface RankedGroup {
  readonly name: string;
  readonly priority: number;
  readonly service: string;
}

/** A version, and what it claims. */
interface Ranked {
  readonly name: string;
  readonly priority: Priority;
}

/** Names, the preferred one first. */
function inOrder(versions: Ranked[]): string[] {
  return versions
    .sort((a, b) => b.priority.version - a.priority.version || compareVersions(a.name, b.name))
    .map(({ name }) => name);
}

function rank(name: string, versions: readonly Ranked[]): RankedGroup {
  const priority = Math.max(...versions.map((e) => e.priority.group));
  const services = versions.filter((e) => e.priority.group === priority).map((e) => `${e.name}.${name}`);
  return { name, priority, service: services.sort()[0]! };
}

function shown(entry: Sourced): ApiVersion {
  return entry[SOURCES.find((source) => entry[source])!]!;
}
