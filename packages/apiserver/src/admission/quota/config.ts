/** What the ResourceQuota plugin is told: what may only be used where a quota covers it. */
import type { ScopedResourceSelectorRequirement } from '@keelson/api/generated/types/core/v1';
import { ConfigFileError, type ConfigObject, readStrictly } from '@keelson/component/configfile';

export interface LimitedResource {
  readonly apiGroup: string;
  readonly resource: string;
  /** Parts of names that need a quota. */
  readonly matchContains: readonly string[];
  readonly matchScopes: readonly ScopedResourceSelectorRequirement[];
}

const GROUPS = ['apiserver.config.k8s.io', 'resourcequota.admission.k8s.io'];

/** @param given undefined where nothing is configured. @throws ConfigFileError */
export function quotaConfig(given: unknown): LimitedResource[] {
  if (given === undefined) return [];
  return readStrictly(given, readConfig);
}

function readConfig(config: ConfigObject): LimitedResource[] {
  const group = GROUPS.find((g) => config.string('apiVersion').startsWith(`${g}/`)) ?? GROUPS[0]!;
  const own = group === GROUPS[0];
  config.expectKind(
    group,
    own ? ['v1'] : ['v1beta1', 'v1alpha1'],
    own ? 'ResourceQuotaConfiguration' : 'Configuration',
  );
  const limited = config.objects('limitedResources').map((item, i) => {
    const resource = {
      apiGroup: item.string('apiGroup'),
      resource: item.string('resource'),
      matchContains: item.strings('matchContains'),
      matchScopes: item.objects('matchScopes').map(requirement),
    };
    item.expectNothingElse();
    if (resource.resource === '') throw new ConfigFileError(`limitedResources[${i}].resource: Required value`);
    return resource;
  });
  config.expectNothingElse();
  return limited;
}

function requirement(item: ConfigObject): ScopedResourceSelectorRequirement {
  const found = {
    scopeName: item.string('scopeName'),
    operator: item.string('operator'),
    values: item.strings('values'),
  };
  item.expectNothingElse();
  return found;
}
