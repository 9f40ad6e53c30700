import { effectiveVersion } from '@keelson/component/emulation';
import { describe, expect, it } from 'vitest';
import type { Emulation } from './emulation.ts';
import { enabledGroups, type RuntimeConfig, runtimeConfigErrors } from './runtime-config.ts';

/** `group/version` of all that is served. */
function served(config: RuntimeConfig = {}, gates: readonly string[] = []): string[] {
  const groups = enabledGroups(config, (gate) => gates.includes(gate));
  return groups.flatMap((g) => g.versions.map((v) => `${g.name}/${v.version}`));
}

function resources(config: RuntimeConfig, group: string, version: string): string[] {
  const found = enabledGroups(config).find((g) => g.name === group);
  return found?.versions.find((v) => v.version === version)?.resources.map((r) => r.name) ?? [];
}

describe('enabledGroups', () => {
  it('serves what is stable by default, and nothing else', () => {
    expect(served()).toHaveLength(22);
    expect(served().filter((v) => !/\/v\d+$/.test(v))).toEqual([]);
  });

  it('adds alpha and beta versions by stage', () => {
    const beta = served({ 'api/beta': 'true' });
    expect(beta).toContain('networking.k8s.io/v1beta1');
    expect(beta).not.toContain('resource.k8s.io/v1alpha3');
    expect(served({ 'api/alpha': 'true' })).toContain('resource.k8s.io/v1alpha3');
    expect(served({ 'api/all': 'true' })).toContain('internal.apiserver.k8s.io/v1alpha1');
  });

  it('lets the narrower key win, in whatever order they come', () => {
    expect(served({ 'batch/v1': 'true', 'api/all': 'false' })).toEqual(['batch/v1']);
    expect(served({ 'api/all': 'false', 'api/ga': 'true' })).toEqual(served());
    expect(served({ 'apps/v1': 'false' })).not.toContain('apps/v1');
    expect(resources({ 'apps/v1/deployments': 'false' }, 'apps', 'v1')).not.toContain('deployments/scale');
    expect(resources({ 'apps/v1/deployments': 'true', 'apps/v1': 'false' }, 'apps', 'v1')).toEqual([
      'deployments',
      'deployments/scale',
      'deployments/status',
    ]);
  });

  it('serves gated resources with flag and gate only', () => {
    const all = { 'api/all': 'true' };
    expect(served(all)).not.toContain('storagemigration.k8s.io/v1beta1');
    expect(served(all, ['StorageVersionMigrator'])).toContain('storagemigration.k8s.io/v1beta1');
    expect(served({}, ['StorageVersionMigrator'])).not.toContain('storagemigration.k8s.io/v1beta1');
  });

  it('prefers the version of the highest priority that is left', () => {
    const preferred = (config: RuntimeConfig) => enabledGroups(config).find((g) => g.name === 'autoscaling')?.preferred;
    expect(preferred({})).toBe('v2');
    expect(preferred({ 'autoscaling/v2': 'false' })).toBe('v1');
  });

  it.each(['v1', 'api/v1', 'v1/pods', 'api/v1/pods', '/v1'])('takes %s for the core group', (key) => {
    expect(served({ [key]: 'false' })).not.toContain('/v1');
  });

  it.each<[RuntimeConfig, string]>([
    [{ 'api/all': 'false' }, 'invalid runtime-config with only api/all=false'],
    [{ 'api/all': 'foo' }, 'invalid value api/all=foo'],
    [{ 'api/all': '' }, 'invalid value api/all='],
    [{ foo: 'true' }, 'runtime-config invalid key foo'],
    [{ 'a/b/c/d': 'true' }, 'runtime-config invalid key a/b/c/d'],
    [{ 'foo/v1': 'true' }, 'unknown api groups foo/v1'],
    [{ 'zoo/v1': '', 'bar/v1': 'true' }, 'unknown api groups bar/v1,zoo/v1'],
    [{ 'apidiscovery.k8s.io/v2': 'true' }, 'unknown api groups apidiscovery.k8s.io/v2'],
    [{ 'a//b': 'true' }, 'unknown api groups a/'],
    [{ 'apps/v9': 'true' }, 'group version apps/v9 that has not been registered'],
    [
      { 'apps/v1': 'maybe' },
      'invalid value of apps/v1: maybe, err: strconv.ParseBool: parsing "maybe": invalid syntax',
    ],
    [
      { 'apps/v1/Deployments': 'false' },
      'invalid key apps/v1/Deployments: group/version/resource and resource is always lowercase plural, not "Deployments"',
    ],
  ])('refuses %j', (config, message) => {
    expect(() => enabledGroups(config)).toThrow(new Error(message));
  });

  it('knows versions that it cannot serve any more', () => {
    expect(served({ 'extensions/v1beta1': 'true', 'api/legacy': 'true' })).toEqual(served());
  });
});

it('runtimeConfigErrors finds what is wrong without applying', () => {
  expect(runtimeConfigErrors({ 'api/beta': 'true' })).toEqual([]);
  expect(runtimeConfigErrors({ 'foo/v1': 'true' })).toEqual(['unknown api groups foo/v1']);
});

describe('a server that acts as a former release', () => {
  const ADMISSION = 'admissionregistration.k8s.io';
  const POLICIES = `${ADMISSION}/v1/mutatingadmissionpolicies`;
  const RESOURCE = 'resource.k8s.io';
  /** Versions of a group in which it serves the resource. */
  function versionsOf(
    minor: number,
    config: RuntimeConfig,
    group: string,
    resource: string,
    more: Partial<Emulation> = {},
  ) {
    const version = effectiveVersion([`1.${minor}`], []);
    const found = enabledGroups(config, () => true, { version, ...more }).find(({ name }) => name === group);
    const having = (found?.versions ?? []).filter(({ resources }) => resources.some(({ name }) => name === resource));
    return having.map((each) => each.version);
  }

  it.each<[number, RuntimeConfig, string, string, Partial<Emulation>, string[]]>([
    [36, {}, ADMISSION, 'mutatingadmissionpolicies', {}, ['v1']],
    [35, {}, ADMISSION, 'mutatingadmissionpolicies', {}, []],
    [35, {}, ADMISSION, 'validatingadmissionpolicies', {}, ['v1']],
    [35, { 'api/beta': 'true' }, ADMISSION, 'mutatingadmissionpolicies', {}, ['v1beta1']],
    [33, { 'api/beta': 'true' }, ADMISSION, 'mutatingadmissionpolicies', {}, []],
    [
      35,
      { 'api/beta': 'true' },
      ADMISSION,
      'mutatingadmissionpolicies',
      { isForwardCompatible: true },
      ['v1', 'v1beta1'],
    ],
    [35, {}, ADMISSION, 'mutatingadmissionpolicies', { isForwardCompatible: true }, []],
    [35, { [POLICIES]: 'true' }, ADMISSION, 'mutatingadmissionpolicies', { servesWhatIsNamed: true }, ['v1']],
    [35, { [`${ADMISSION}/v1`]: 'true' }, ADMISSION, 'mutatingadmissionpolicies', { servesWhatIsNamed: true }, ['v1']],
    [35, { [`${ADMISSION}/v1`]: 'true' }, ADMISSION, 'mutatingadmissionpolicies', {}, []],
    [35, { 'api/ga': 'true' }, ADMISSION, 'mutatingadmissionpolicies', { servesWhatIsNamed: true }, []],
    [34, {}, RESOURCE, 'resourceclaims/status', {}, ['v1']],
    [33, {}, RESOURCE, 'resourceclaims/status', {}, []],
    [33, { [`${RESOURCE}/v1beta1`]: 'true' }, RESOURCE, 'resourceclaims', {}, ['v1beta1']],
    [
      33,
      { [`${RESOURCE}/v1beta1`]: 'true' },
      RESOURCE,
      'resourceclaims',
      { isForwardCompatible: true },
      ['v1', 'v1beta2', 'v1beta1'],
    ],
  ])('1.%d with %j serves %s %s, %j, in %j', (minor, config, group, resource, more, versions) =>
    expect(versionsOf(minor, config, group, resource, more)).toEqual(versions),
  );

  it('does not start where a resource is named that came later', () => {
    expect(() => versionsOf(35, { [POLICIES]: 'true' }, ADMISSION, '')).toThrow(
      `cannot enable resource ${ADMISSION}/v1, Resource=mutatingadmissionpolicies in runtime-config because it is introduced at 1.36 after the current version 1.35. Consider setting --runtime-config-emulation-forward-compatible=true`,
    );
  });
});
