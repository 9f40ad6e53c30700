import { expect, it } from 'vitest';
import { invalid as invalidObject } from './errors.ts';
import { invalid, Path } from './field.ts';

it.each([
  [3, 3],
  [1_000, 11],
])('of %i complaints that each show all of a list %i are told', (count, told) => {
  const owners = Array.from({ length: 1_000 }, (_, i) => `an owner, of whom there are many: ${String(i).padStart(60)}`);
  const path = Path.of('metadata', 'ownerReferences');
  const errors = Array.from({ length: count }, (_, i) => invalid(path, owners, `not owner ${i}`));
  const { details, message } = invalidObject('', 'Pod', 'a', errors);
  expect(details?.causes).toHaveLength(told);
  expect(message.length).toBeLessThan(1_300_000);
});
