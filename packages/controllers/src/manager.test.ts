import { isEnabledByDefault } from '@keelson/component/featuregate/featuregate';
import { expect, test } from 'vitest';
import type { Controller } from './controller.ts';
import { isWanted } from './manager.ts';

const start = async () => undefined;
const job: Controller = { name: 'job-controller', alias: 'job', account: 'job-controller', start };
const gated: Controller = { name: 'gated-controller', gate: 'DRADeviceTaints', start };
const signer: Controller = { name: 'token-cleaner-controller', account: 'token-cleaner', offByDefault: true, start };

test.each([
  [job, ['*'], true],
  [job, [], false],
  [job, ['job-controller'], true],
  [job, ['job'], true],
  [job, ['*', '-job-controller'], false],
  [job, ['*', '-job'], false],
  [job, ['-job', 'job-controller'], true],
  [signer, ['*'], false],
  [signer, ['*', 'token-cleaner-controller'], true],
  [gated, ['*'], true],
])('%o with %j: %s', (controller, wanted, expected) => {
  expect(isWanted(controller, wanted, isEnabledByDefault)).toBe(expected);
});

test('a controller whose gate is off does not run, whoever asks for it', () => {
  expect(isWanted(gated, ['*', 'gated-controller'], (gate) => gate !== 'DRADeviceTaints')).toBe(false);
});
