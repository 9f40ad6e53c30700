import type { Path } from '@keelson/api/field';
import type { PodSpec } from '@keelson/api/generated/types/core/v1';
import type { AnyContainer } from '@keelson/api/resources/pod-parts';

/** Every container with its path: init, ordinary, ephemeral. */
export function containersWithPath(spec: PodSpec, path: Path): (readonly [AnyContainer, Path])[] {
  return (['initContainers', 'containers', 'ephemeralContainers'] as const).flatMap((key) =>
    (spec[key] ?? []).map((container, i) => [container, path.child(key).index(i)] as const),
  );
}
