import { FeatureGates } from '@keelson/component/featuregate/featuregate';
import { describe, expect, it } from 'vitest';
import { COMMON_GATES, gateErrors, mergedGates, tellIdleGates } from './feature-gates.ts';
import { pagesOf } from './zpages.ts';

describe('gates of a component', () => {
  it.each([
    [['ComponentFlagz=false'], []],
    [['Foo=true'], ['unrecognized feature gate: Foo']],
    [
      ['InPlacePodVerticalScaling=false'],
      ['cannot set feature gate InPlacePodVerticalScaling to false, feature is locked to true'],
    ],
  ])('%j is refused with %j', (pairs, errors) => expect(gateErrors(new Map([['', pairs]]))).toEqual(errors));

  it('flags count before the file', () => {
    const gates = mergedGates(Object.entries({ ComponentFlagz: true, ComponentStatusz: false }), [
      ['ComponentFlagz', false],
    ]);
    expect([gates.enabled('ComponentFlagz'), gates.enabled('ComponentStatusz')]).toEqual([false, false]);
    expect(() => mergedGates([['Foo', true]])).toThrow('failed to set feature gates: unrecognized feature gate: Foo');
  });

  it('those that change nothing are told of, once and by name', () => {
    const told: unknown[] = [];
    const logger = { warn: (fields: object) => told.push(fields) } as never;
    const gates = mergedGates(Object.entries({ ComponentFlagz: false, GenericWorkload: true, OpenAPIEnums: true }));
    tellIdleGates(gates, COMMON_GATES, logger);
    tellIdleGates(new FeatureGates(), COMMON_GATES, logger);
    expect(told).toEqual([{ gates: ['GenericWorkload'] }]);
  });
});

it.each([
  [{}, true, true],
  [{ ComponentFlagz: false }, false, true],
  [{ ComponentStatusz: false }, true, false],
])('pages of a component with %j: /flagz %s, /statusz %s', (set, flagz, statusz) => {
  const gates = mergedGates(Object.entries(set));
  const pages = pagesOf({ component: 'c', flags: { a: 'b' }, paths: [], gates });
  const shown = async (url: string) => (await pages({ url, headers: { accept: 'text/plain' } } as never)) !== undefined;
  return expect(Promise.all([shown('/flagz'), shown('/statusz')])).resolves.toEqual([flagz, statusz]);
});
