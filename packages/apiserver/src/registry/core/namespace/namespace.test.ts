import type { Namespace } from '@keelson/api/generated/types/core/v1';
import { describe, expect, it } from 'vitest';
import { testContext, texts } from '../../testing.ts';
import { registration } from './index.ts';

const { strategy, subresources } = registration;
const ctx = testContext();
const namespace = (finalizers?: string[]): Namespace => ({
  metadata: { name: 'a' },
  spec: finalizers ? { finalizers } : {},
  status: {},
});

describe('Namespace', () => {
  it('carries its name as a label and is active', () => {
    const obj = namespace();
    strategy.defaults?.(obj, 'v1');
    expect(obj.metadata.labels).toEqual({ 'kubernetes.io/metadata.name': 'a' });
    expect(obj.status).toEqual({ phase: 'Active' });
  });

  it.each([
    [undefined, ['kubernetes']],
    [['a.b/c'], ['a.b/c', 'kubernetes']],
    [['kubernetes'], ['kubernetes']],
  ])('is held by the namespace controller: %j', (before, after) => {
    const obj = namespace(before);
    strategy.prepareForCreate?.(ctx, obj);
    expect(obj.spec.finalizers).toEqual(after);
  });

  it('wants finalizers of known names or with a domain', () => {
    expect(texts(strategy.validate?.(ctx, namespace(['x', 'a.b/c', 'orphan'])))).toEqual([
      'spec.finalizers: Invalid value: "x": name is neither a standard finalizer name nor is it fully qualified',
    ]);
    expect(texts(subresources?.finalize?.strategy.validateUpdate?.(ctx, namespace(['x']), namespace()))).toEqual([
      'spec.finalizers[0]: Invalid value: "x": name is neither a standard finalizer name nor is it fully qualified',
    ]);
  });

  it('does not take finalizers from an update', () => {
    const obj = namespace([]);
    strategy.prepareForUpdate?.(ctx, obj, namespace(['kubernetes']));
    expect(obj.spec.finalizers).toEqual(['kubernetes']);
  });

  it('has the phase that its deletion dictates', () => {
    const obj = namespace();
    obj.status.phase = 'Terminating';
    expect(texts(subresources?.status?.strategy.validateUpdate?.(ctx, obj, obj))).toEqual([
      'status.Phase: Invalid value: "Terminating": may only be \'Active\' if `deletionTimestamp` is empty',
    ]);
  });
});
