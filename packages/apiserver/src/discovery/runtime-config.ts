/**
 * `--runtime-config`: which of the built-in groups, versions and resources are served
 * (apiserver/pkg/server/resourceconfig, server/options/api_enablement.go).
 */
import { allKinds } from '@keelson/api/schema';
import type { Gate, IsEnabled } from '../gates.ts';
import generated from '../generated/resources.json' with { type: 'json' };
import type { ApiResource } from './documents.ts';
import { type Decision, type Emulation, emulate, NO_EMULATION } from './emulation.ts';
import { builtinPriority, compareVersions } from './priorities.ts';

/** Keys and values of the flag: `{"api/all": "true", "batch/v1": "false", "apps/v1/deployments": ""}`. */
export type RuntimeConfig = Readonly<Record<string, string>>;

export interface ServedGroup {
  readonly name: string;
  readonly preferred: string;
  /** The preferred one first. */
  readonly versions: readonly ServedVersion[];
}

export interface ServedVersion {
  readonly version: string;
  readonly resources: ApiResource[];
}

const MATCHERS: readonly (readonly [key: string, version: RegExp])[] = [
  ['api/all', /^/],
  ['api/ga', /^v\d+$/],
  ['api/beta', /^v\d+beta\d+$/],
  ['api/alpha', /^v\d+alpha\d+$/],
];
const STABLE = /^v\d+$/;

/** Resources that exist only behind a feature gate, whatever the flag says. */
const GATED: Readonly<Record<string, Gate>> = {
  'clustertrustbundles.certificates.k8s.io': 'ClusterTrustBundle',
  'podcertificaterequests.certificates.k8s.io': 'PodCertificateRequest',
  'workloads.scheduling.k8s.io': 'GenericWorkload',
  'podgroups.scheduling.k8s.io': 'GenericWorkload',
  'storageversionmigrations.storagemigration.k8s.io': 'StorageVersionMigrator',
};

/** Groups whose kinds are known but which no server of the chain registers. */
const NOT_REGISTERED = new Set(['apidiscovery.k8s.io', 'meta.k8s.io']);

/**
 * @param emulation the release whose kinds are served. Default: its own
 * @throws Error with upstream's message for the first of {@link runtimeConfigErrors}, for a value that is no boolean, and for a
 *   resource that is named and newer than the release
 */
export function enabledGroups(
  config: RuntimeConfig = {},
  featureEnabled: IsEnabled = () => false,
  emulation: Emulation = NO_EMULATION,
): ServedGroup[] {
  const enabled = emulate(emulation, decide(normalize(config)), generated);
  const groups = generated.map(({ name, versions }) => ({
    name,
    versions: versions
      .map(({ version, resources }) => ({ version, resources: served(name, version, resources) }))
      .filter((v) => v.resources.length > 0)
      .sort((a, b) => byPriority(name, a.version, b.version)),
  }));
  return groups.filter((g) => g.versions.length > 0).map((g) => ({ ...g, preferred: g.versions[0]!.version }));

  function served(group: string, version: string, resources: readonly ApiResource[]): ApiResource[] {
    return resources.filter(({ name }) => {
      const resource = name.split('/')[0]!;
      const gate = GATED[`${resource}.${group}`];
      return enabled(group, version, resource) && (gate === undefined || featureEnabled(gate));
    });
  }
}

function byPriority(group: string, a: string, b: string): number {
  return builtinPriority(group, b).version - builtinPriority(group, a).version || compareVersions(a, b);
}

/** What is wrong with the flag by itself, before it is applied; [] when nothing is. */
export function runtimeConfigErrors(config: RuntimeConfig): string[] {
  const keys = Object.keys(normalize(config));
  if (keys.length === 1 && config['api/all'] === 'false') return ['invalid runtime-config with only api/all=false'];
  const { groups } = registered();
  const unknown = new Set<string>();
  for (const key of keys) {
    if (MATCHERS.some(([name]) => name === key)) continue;
    const [group, version, , ...more] = key.split('/');
    if (version === undefined || more.length > 0) return [`runtime-config invalid key ${key}`];
    if (!groups.has(group!)) unknown.add(`${group}/${version}`);
  }
  return unknown.size === 0 ? [] : [`unknown api groups ${[...unknown].sort().join(',')}`];
}

/** `v1`, `api/v1` and what begins so mean the core group as a whole; `api/legacy` means nothing any more. */
function normalize(config: RuntimeConfig): RuntimeConfig {
  const entries = Object.entries(config).filter(([key]) => key !== 'api/legacy');
  return Object.fromEntries(entries.map(([key, value]) => [/^(api\/)?v1(\/|$)/.test(key) ? '/v1' : key, value]));
}

/** Sets of versions first, then single versions, then single resources: the narrower wins. */
function decide(config: RuntimeConfig): Decision {
  const [error] = runtimeConfigErrors(config);
  if (error !== undefined) throw new Error(error);

  const versions = new Map<string, boolean>();
  const resources = new Map<string, boolean>();
  for (const [key, value] of Object.entries(config)) {
    if (MATCHERS.some(([name]) => name === key)) continue;
    const [group, version, resource] = key.split('/') as [string, string, string?];
    if (!registered().versions.has(`${group}/${version}`)) {
      throw new Error(`group version ${group === '' ? '' : `${group}/`}${version} that has not been registered`);
    }
    const enabled = parseBool(key, value);
    if (resource === undefined) versions.set(key, enabled);
    else if (resource === resource.toLowerCase()) resources.set(key, enabled);
    else {
      throw new Error(
        `invalid key ${key}: group/version/resource and resource is always lowercase plural, not "${resource}"`,
      );
    }
  }
  const sets = MATCHERS.flatMap(([key, pattern]) => {
    const value = config[key];
    if (value === undefined) return [];
    if (value !== 'true' && value !== 'false') throw new Error(`invalid value ${key}=${value}`);
    return [{ pattern, enabled: value === 'true' }];
  });

  const isEnabled = (group: string, version: string, resource: string) =>
    resources.get(`${group}/${version}/${resource}`) ??
    versions.get(`${group}/${version}`) ??
    sets.findLast((set) => set.pattern.test(version))?.enabled ??
    STABLE.test(version);
  const named = (group: string, version: string, resource: string) => {
    if (resources.get(`${group}/${version}/${resource}`)) return 'resource';
    return versions.get(`${group}/${version}`) ? 'version' : undefined;
  };
  return { isEnabled, named };
}

const BOOLS: ReadonlyMap<string, boolean> = new Map([
  ...['', '1', 't', 'T', 'TRUE', 'true', 'True'].map((s) => [s, true] as const),
  ...['0', 'f', 'F', 'FALSE', 'false', 'False'].map((s) => [s, false] as const),
]);

function parseBool(key: string, value: string): boolean {
  const parsed = BOOLS.get(value);
  if (parsed === undefined) {
    const reason = `strconv.ParseBool: parsing ${JSON.stringify(value)}: invalid syntax`;
    throw new Error(`invalid value of ${key}: ${value}, err: ${reason}`);
  }
  return parsed;
}

/** Groups and `group/version`s that have kinds at all, whether or not they are served. */
function registered(): { groups: Set<string>; versions: Set<string> } {
  const versions = new Set(allKinds().map((kind) => kind.slice(0, kind.lastIndexOf('/'))));
  const groups = new Set([...versions].map((v) => v.slice(0, v.indexOf('/'))));
  for (const group of NOT_REGISTERED) groups.delete(group);
  return { groups, versions };
}
