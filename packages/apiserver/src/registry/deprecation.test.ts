import { expect, it } from 'vitest';
import { enabledGroups } from '../discovery/runtime-config.ts';
import { deprecationWarning, removedRelease } from './deprecation.ts';
import { buildResources } from './resource.ts';

const DEVICE_CLASS = 'resource.k8s.io/v1beta1 DeviceClass is deprecated in v1.35+, unavailable in v1.38+';

it.each([
  ['', 'v1', 'Endpoints', 'v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice'],
  ['', 'v1', 'ComponentStatus', 'v1 ComponentStatus is deprecated in v1.19+'],
  ['resource.k8s.io', 'v1beta1', 'DeviceClass', DEVICE_CLASS],
  ['', 'v1', 'Pod', undefined],
])('warns of %s/%s %s', (group, version, kind, warning) => {
  expect(deprecationWarning({ group, version, kind })).toBe(warning);
});

it('is known of what is served, subresources by their own kind', () => {
  const served = buildResources(enabledGroups({ 'resource.k8s.io/v1beta2': 'true' }), {});
  const claims = served.get('resource.k8s.io/v1beta2/resourceclaims')!;
  expect(claims.warning).toContain('v1beta2 ResourceClaim is deprecated');
  expect(claims.subresources.get('status')!.warning).toBe(claims.warning);
  expect(served.get('/v1/pods')!.warning).toBeUndefined();
});

it.each([
  ['resource.k8s.io', 'v1beta1', 'DeviceClass', '1.38'],
  ['', 'v1', 'Endpoints', ''],
  ['', 'v1', 'Pod', ''],
])('%s/%s %s is gone from %j on', (group, version, kind, expected) => {
  expect(removedRelease({ group, version, kind })).toBe(expected);
});
