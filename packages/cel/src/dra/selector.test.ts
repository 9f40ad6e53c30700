import { describe, expect, test } from 'vitest';
import { compileSelector, SELECTOR_MAX_COST, SelectorError } from './selector.ts';

const device = {
  driver: 'gpu.example.com',
  attributes: {
    model: { string: 'H100' },
    'other.example.com/numa': { int: 1 },
    healthy: { bool: true },
    firmware: { version: '1.10.2' },
  },
  capacity: { memory: { value: '80Gi' } },
};

describe('devices are matched', () => {
  test.each([
    ["device.driver == 'gpu.example.com'", true],
    ["device.attributes['gpu.example.com'].model == 'H100'", true],
    ["device.attributes['other.example.com'].numa > 1", false],
    ["device.attributes['gpu.example.com'].healthy", true],
    ["device.attributes['gpu.example.com'].firmware.isGreaterThan(semver('1.9.0'))", true],
    ["device.capacity['gpu.example.com'].memory.compareTo(quantity('40Gi')) >= 0", true],
    ["'model' in device.attributes['unknown.example.com']", false],
    ["cel.bind(gpu, device.attributes['gpu.example.com'], gpu.model == 'H100' && gpu.healthy)", true],
    ['device.allowMultipleAllocations', false],
  ])('%s', (expression, matches) => {
    expect(compileSelector(expression).matches(device)).toBe(matches);
  });
});

describe('selectors that do not compile', () => {
  test.each([
    ['device.nope == 1', "undefined field 'nope'"],
    ['device.driver', 'must evaluate to bool or the unknown type, not string'],
    ["int('x') == 1", "program instantiation failed: type conversion error from 'string' to 'int'"],
  ])('%s', (expression, message) => {
    expect(() => compileSelector(expression)).toThrow(SelectorError);
    expect(() => compileSelector(expression)).toThrow(message);
  });
});

test('the cost of a selector is bounded by what devices can have', () => {
  expect(compileSelector("device.attributes['a'].b.matches('.*')").maxCost).toBeLessThan(SELECTOR_MAX_COST);
  const deep =
    'device.attributes.all(a, device.attributes.all(b, device.attributes.all(c, device.attributes.all(d, a + b == c + d))))';
  expect(compileSelector(deep).maxCost).toBeGreaterThan(SELECTOR_MAX_COST);
});
