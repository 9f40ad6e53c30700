import type { KubeObject, OwnerReference } from '@keelson/api/object';
import { expect, it } from 'vitest';
import type { RequestContext } from '../context.ts';
import { dedupOwnerReferences } from './owners.ts';

const owner = (uid: string, more: object = {}) =>
  ({ apiVersion: 'v1', kind: 'Node', name: uid, uid, ...more }) as OwnerReference;

function dedup(ownerReferences: OwnerReference[]) {
  const ctx = { warnings: [] as string[] } as unknown as RequestContext;
  const object = { metadata: { name: 'a', ownerReferences } } as KubeObject;
  dedupOwnerReferences(ctx, object, false);
  return { kept: object.metadata.ownerReferences, warnings: ctx.warnings };
}

it('keeps the first of owners that say the same, and names the others', () => {
  const [a, b, c] = [owner('a'), owner('b', { controller: true }), owner('a', { controller: true })];
  const { kept, warnings } = dedup([a, b, c, owner('b', { controller: true }), owner('a', { controller: null })]);
  expect(kept).toEqual([a, b, c]);
  expect(warnings).toEqual([expect.stringContaining('duplicate UID(s) observed: b, a')]);
});

it('takes time by the owner', () => {
  const owners = Array.from({ length: 50_000 }, (_, i) => owner(`${i}`));
  const startedAt = performance.now();
  expect(dedup(owners)).toEqual({ kept: owners, warnings: [] });
  // Each compared with all before it, they took minutes.
  expect(performance.now() - startedAt).toBeLessThan(2_000);
});
