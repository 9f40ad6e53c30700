import { expect, it } from 'vitest';
import type { Toleration } from '../generated/types/core/v1.ts';
import { tolerates } from './tolerations.ts';

const key = 'risk';
const effect = 'NoSchedule';

it.each<[Toleration, string | undefined, boolean]>([
  [{}, undefined, true],
  [{ operator: 'Exists' }, '950', true],
  [{ key, effect: 'NoExecute', operator: 'Exists' }, '950', false],
  [{ key, operator: 'Equal', value: '950' }, '950', true],
  [{ key, value: '95' }, '950', false],
  [{ key, operator: 'Gt', value: '949' }, '950', true],
  [{ key, operator: 'Gt', value: '950' }, '950', false],
  [{ key, operator: 'Lt', value: '951' }, '950', true],
  [{ key, operator: 'Lt', value: '0' }, '-3', true],
  [{ key, operator: 'Lt', value: 'many' }, '950', false],
  [{ key, operator: 'Lt', value: '951' }, 'few', false],
  [{ key, operator: 'Gt', value: '007' }, '950', false],
  [{ key, operator: 'Gt', value: '1' }, '9223372036854775808', false],
  [{ key, operator: 'Other', value: '1' }, '1', false],
])('%j tolerates a taint of %s: %s', (toleration, value, expected) => {
  expect(tolerates(toleration, { key, effect, ...(value === undefined ? {} : { value }) })).toBe(expected);
});
