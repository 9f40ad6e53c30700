import type { ControllerRevision, StatefulSet } from '@keelson/api/generated/types/apps/v1';
import { controllerReference, keyOf, type ResourceClient } from '@keelson/client';
import type { RevisionControl } from '../history/control.ts';
import { byRevision, dataOf, hashOfData, isOf, nextRevision, revisionName } from '../history/revisions.ts';
import { selectorOf } from '../selectors.ts';
import { STATEFUL_SET } from './pods.ts';

const HASH_LABEL = 'controller.kubernetes.io/hash';

/** The revisions of a stateful set (pkg/controller/statefulset getStatefulSetRevisions). */
export interface History {
  readonly current: ControllerRevision;
  readonly update: ControllerRevision;
  /** Oldest first. */
  readonly all: readonly ControllerRevision[];
  readonly collisionCount: number;
}

/** Reads the history; the revision of the template is made if there is none, and made the newest if it was there before. */
export async function readHistory(
  set: StatefulSet,
  revisions: RevisionControl,
  sets: ResourceClient<StatefulSet>,
): Promise<History> {
  const claimed = await revisions.claim(set, selectorOf(set.spec.selector), () => sets.get(keyOf(set)));
  const all = claimed.sort(byRevision);
  const { template } = set.spec;
  const matching = all.findLast((revision) => isOf(revision, template));
  const newest = all.at(-1);
  let collisionCount = set.status.collisionCount ?? 0;
  let update: ControllerRevision;
  if (matching && newest && isOf(newest, template)) update = newest;
  else if (matching) update = await revisions.update({ ...matching, revision: nextRevision(all) });
  else [update, collisionCount] = await create(set, revisions, nextRevision(all), collisionCount);
  const current = all.find(({ metadata }) => metadata.name === set.status.currentRevision) ?? update;
  return { current, update, all, collisionCount };
}

/** Tries other names while one is taken. */
async function create(
  set: StatefulSet,
  revisions: RevisionControl,
  revision: number,
  given: number,
): Promise<[ControllerRevision, number]> {
  const { metadata, spec } = set;
  const data = dataOf(spec.template);
  for (let collisions = given; ; collisions++) {
    const hash = hashOfData(data, collisions);
    const made = await revisions.create({
      metadata: {
        name: revisionName(metadata.name!, hash),
        namespace: metadata.namespace!,
        labels: { ...spec.template.metadata?.labels, [HASH_LABEL]: hash },
        annotations: metadata.annotations ?? {},
        ownerReferences: [controllerReference(set, STATEFUL_SET)],
      },
      data,
      revision,
    });
    if ('created' in made) return [made.created, collisions];
    if (isOf(made.taken, spec.template)) return [made.taken, collisions];
  }
}

/** Revisions that no pod is of, beyond what is to be kept. @param live names of revisions of pods */
export function outdatedRevisions(
  { spec }: StatefulSet,
  { all, current, update }: History,
  live: ReadonlySet<string | undefined>,
): ControllerRevision[] {
  const used = (name: string) => live.has(name) || name === current.metadata.name || name === update.metadata.name;
  const unused = all.filter(({ metadata }) => !used(metadata.name!));
  return unused.slice(0, Math.max(0, unused.length - (spec.revisionHistoryLimit ?? 10)));
}
