import { expect, test } from 'vitest';
import { plan } from './controller.ts';

const metadata = { name: 'kube-root-ca.crt', annotations: { 'kubernetes.io/description': 'a text' } };

test('is made, mended, and left alone when it is right', () => {
  expect(plan(undefined, 'CA')).toBe('create');
  expect(plan({ metadata, data: { 'ca.crt': 'CA' } }, 'CA')).toBeUndefined();
  expect(plan({ metadata, data: { 'ca.crt': 'old', more: '' } }, 'CA')).toMatchObject({ data: { 'ca.crt': 'CA' } });
  expect(plan({ metadata: {}, data: { 'ca.crt': 'CA' } }, 'CA')).toHaveProperty([
    'metadata',
    'annotations',
    'kubernetes.io/description',
  ]);
});
