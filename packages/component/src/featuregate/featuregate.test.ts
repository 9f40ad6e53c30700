import { describe, expect, it } from 'vitest';
import { effectiveVersion } from '../emulation.ts';
import { FeatureGates, parseFeatureGates } from './featuregate.ts';
import { gateDependencies, knownGates } from './known.ts';

const of = (...pairs: string[]) => parseFeatureGates(new Map([['', pairs]]));

describe('the gates as they are set', () => {
  it.each([
    [of(), 'ClusterTrustBundle', false],
    [of(), 'ComponentFlagz', true],
    [of('ClusterTrustBundle=true'), 'ClusterTrustBundle', true],
    [of(' ComponentFlagz = F '), 'ComponentFlagz', false],
    [of('AllBeta=false'), 'ComponentFlagz', false],
    [of('ComponentFlagz=true', 'AllBeta=false'), 'ComponentFlagz', true],
    [of('AllBeta=false'), 'RetryGenerateName', true],
    [parseFeatureGates(new Map([['kube', ['ClusterTrustBundle=true']]])), 'ClusterTrustBundle', true],
  ])('%#', (gates, name, expected) => expect(gates.enabled(name)).toBe(expected));

  it('a name that is no gate cannot be asked for', () => {
    expect(() => new FeatureGates().enabled('Foo')).toThrow('Foo is no feature gate');
  });

  it('those that are not as by default are told', () => {
    expect(of('ComponentFlagz=false', 'ClusterTrustBundle=true', 'OpenAPIEnums=true').changed).toEqual([
      'ClusterTrustBundle',
      'ComponentFlagz',
    ]);
    const all = of('AllAlpha=true', 'AllBeta=true').changed;
    expect(all).toEqual(expect.arrayContaining(['GangScheduling', 'ClusterTrustBundle']));
    for (const name of ['ComponentFlagz', 'AllAlpha']) expect(all).not.toContain(name);
  });
});

// The words of kube-apiserver 1.36.
describe('what is refused', () => {
  it.each([
    [['Foo'], 'missing bool value for Foo'],
    [['ComponentFlagz=false', 'Foo=true'], 'unrecognized feature gate: Foo'],
    [
      ['SizeBasedListCostEstimate=banana'],
      'invalid value of SizeBasedListCostEstimate=banana, err: strconv.ParseBool: parsing "banana": invalid syntax',
    ],
    [
      ['ConsistentListFromCache=false'],
      'cannot set feature gate ConsistentListFromCache to false, feature is locked to true',
    ],
    [
      ['ConsistentListFromCache=false', 'RetryGenerateName=false'],
      '[cannot set feature gate ConsistentListFromCache to false, feature is locked to true, cannot set feature gate RetryGenerateName to false, feature is locked to true]',
    ],
    [
      ['GangScheduling=true'],
      'GangScheduling is enabled, but depends on features that are disabled: [GenericWorkload]',
    ],
    [
      ['DRAResourceClaimDeviceStatus=false'],
      '[DRADeviceBindingConditions is enabled, but depends on features that are disabled: [DRAResourceClaimDeviceStatus], DRAResourceClaimGranularStatusAuthorization is enabled, but depends on features that are disabled: [DRAResourceClaimDeviceStatus]]',
    ],
  ])('%j', (pairs, message) => expect(() => of(...pairs)).toThrow(expect.objectContaining({ message })));

  it('a name that is no gate, which the error says', () => {
    expect(() => of('ComponentFlagz=false', 'Foo=true')).toThrow(expect.objectContaining({ gate: 'Foo' }));
  });

  it('both ways to name the server at once, and components that are not there', () => {
    const flag = (...entries: [string, string[]][]) => parseFeatureGates(new Map(entries));
    expect(() => flag(['', []], ['kube', []])).toThrow('do not mix use');
    expect(() => flag(['wardle', ['A=true']])).toThrow('component not registered: wardle');
  });
});

describe('the gates of a former release', () => {
  const formerly = (minor: number, ...pairs: string[]) =>
    parseFeatureGates(new Map([['', pairs]]), effectiveVersion([`1.${minor}`], []));
  it.each<[number, string, boolean]>([
    [36, 'ComponentFlagz', true],
    [35, 'ComponentFlagz', false],
    [34, 'ConstrainedImpersonation', false],
    [33, 'AuthorizeNodeWithSelectors', true],
  ])('in 1.%d %s is %s', (minor, name, expected) => expect(formerly(minor).enabled(name)).toBe(expected));

  it('are theirs to be set, and those that came later are not', () => {
    expect(formerly(33, 'AuthorizeNodeWithSelectors=false').enabled('AuthorizeNodeWithSelectors')).toBe(false);
    expect(() => formerly(34, 'AuthorizeNodeWithSelectors=false')).toThrow('feature is locked to true');
    expect(formerly(35, 'AllAlpha=true').enabled('ComponentFlagz')).toBe(true);
    expect(() => formerly(34, 'DRAResourcePoolStatus=true')).toThrow(
      'cannot set feature gate DRAResourcePoolStatus to true, feature is PreAlpha at emulated version 1.34, min compatibility version 1.33',
    );
  });

  it.each([33, 34, 35])('the defaults of 1.%d are allowed', (minor) => expect(() => formerly(minor)).not.toThrow());
});

it('a gate may be switched off alone though it depends on others', () => {
  expect(of('DRAResourceClaimGranularStatusAuthorization=false').enabled('DRAResourceClaimDeviceStatus')).toBe(true);
});

it('what gates depend on are gates, and the defaults are allowed', () => {
  for (const [name, others] of Object.entries(gateDependencies)) {
    for (const gate of [name, ...others]) expect(knownGates[gate], gate).toBeDefined();
  }
  expect(() => new FeatureGates()).not.toThrow();
});
