/** AlwaysPullImages: who uses an image may pull it (plugin/pkg/admission/alwayspullimages). */
import { StatusError } from '@keelson/api/errors';
import { type FieldError, notSupported, Path } from '@keelson/api/field';
import type { Pod } from '@keelson/api/generated/types/core/v1';
import { allContainers } from '@keelson/api/resources/pod-parts';
import { aggregate } from '../aggregate.ts';
import { type AdmissionAttributes, type AdmissionPlugin, objectOf, oldObjectOf, on, refuse } from './plugin.ts';

const ALWAYS = 'Always';

export function alwaysPullImages(): AdmissionPlugin {
  return {
    name: 'AlwaysPullImages',
    handles: on('pods', ['CREATE', 'UPDATE']),
    mutate(a) {
      if (!runsNewImages(a)) return;
      const { spec } = objectOf<Pod>(a);
      for (const container of allContainers(spec)) container.imagePullPolicy = ALWAYS;
      for (const { image } of spec.volumes ?? []) if (image) image.pullPolicy = ALWAYS;
    },
    validate(a) {
      if (!runsNewImages(a)) return;
      const failure = aggregate(otherPolicies(objectOf<Pod>(a)).map((e) => refuse(a, e.toString())));
      // Not one refusal but several: upstream's answer is the bare text.
      if (failure) throw new StatusError(500, '', failure.message);
    },
  };
}

function runsNewImages(a: AdmissionAttributes): boolean {
  if (a.operation !== 'UPDATE') return true;
  const known = new Set(allContainers(oldObjectOf<Pod>(a).spec).map((c) => c.image));
  return allContainers(objectOf<Pod>(a).spec).some((c) => !known.has(c.image));
}

function otherPolicies({ spec }: Pod): FieldError[] {
  const root = Path.of('spec');
  const lists = ['initContainers', 'containers', 'ephemeralContainers'] as const;
  return [
    ...lists.flatMap((list) =>
      (spec[list] ?? []).map(
        (c, i) => [root.child(list).index(i).child('imagePullPolicy'), c.imagePullPolicy] as const,
      ),
    ),
    ...(spec.volumes ?? []).flatMap(({ image }, i) =>
      image ? [[root.child('volumes').index(i).child('image', 'pullPolicy'), image.pullPolicy] as const] : [],
    ),
  ]
    .filter(([, policy]) => policy !== ALWAYS)
    .map(([path, policy]) => notSupported(path, policy ?? '', [ALWAYS]));
}
