import type { Pod } from '@keelson/api/generated/types/core/v1';
import { expect, test } from 'vitest';
import type { MirrorPods } from '../sources/mirror.ts';
import { container, podOf } from '../testing/pods.ts';
import { KnownPods } from './known.ts';
import { CONFIG_HASH, CONFIG_MIRROR, CONFIG_SOURCE, fullName } from './spec.ts';

const staticPod = (uid: string): Pod =>
  podOf({ containers: [container('a')] }, { uid, annotations: { [CONFIG_SOURCE]: 'file', [CONFIG_HASH]: uid } });
const mirrorOf = (pod: Pod): Pod =>
  podOf(
    { containers: [container('a')] },
    { uid: `mirror-${pod.metadata.uid}`, annotations: { [CONFIG_MIRROR]: pod.metadata.annotations![CONFIG_HASH]! } },
  );

test('the mirror of a static pod that ends stays until it has ended', () => {
  const done: string[] = [];
  const writer: Pick<MirrorPods, 'ensure' | 'remove'> = {
    ensure: async ({ metadata }, mirror) => void done.push(`${metadata.uid}, ${mirror?.metadata.uid ?? 'none'}`),
    remove: async ({ metadata }) => void done.push(`remove ${metadata.uid}`),
  };
  let ending = false;
  const known = new KnownPods(writer as MirrorPods, () => ending);
  const [first, second] = [staticPod('1'), staticPod('2')];
  const name = fullName(first);
  known.put(first);
  expect(known.putMirror(mirrorOf(first))).toBe(first);
  expect(done.splice(0)).toEqual(['1, none']);

  // Its manifest was changed.
  known.remove(first);
  ending = true;
  known.put(second);
  known.reconcileMirrors();
  expect(known.putMirror(mirrorOf(first))).toBeUndefined();
  expect(done).toEqual([]);
  ending = false;
  known.reconcileMirror(name);
  expect(done.splice(0)).toEqual(['2, mirror-1']);
  known.removeMirror(mirrorOf(first));
  expect(known.putMirror(mirrorOf(second))).toBe(second);
  expect(done.splice(0)).toEqual(['2, none']);

  // It was removed.
  known.remove(second);
  ending = true;
  known.reconcileMirror(name);
  expect(done).toEqual([]);
  ending = false;
  known.reconcileMirror(name);
  expect(done).toEqual(['remove mirror-2']);
});
