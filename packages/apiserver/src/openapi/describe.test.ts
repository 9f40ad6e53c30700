import { expect, it } from 'vitest';
import { loadOpenApiDataSync } from './data.ts';
import { describeField } from './describe.ts';

const hasTexts = loadOpenApiDataSync().texts.some((text) => text !== '');

it.runIf(hasTexts)('finds the text of a field, of one that refers to another type too', () => {
  expect(describeField('io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta', 'name')).toMatch(/^Name must be unique/);
  expect(describeField('io.k8s.api.core.v1.Pod', 'spec')).not.toBe('');
});

it('has none of what there is not', () => {
  expect(describeField('io.k8s.api.core.v1.Pod', 'nope')).toBe('');
  expect(describeField('nope', 'name')).toBe('');
});
