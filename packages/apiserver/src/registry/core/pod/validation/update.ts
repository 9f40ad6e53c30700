/** Which changes a pod takes: images, a shorter deadline, more tolerations, fewer gates. */

import { semanticEqual } from '@keelson/api/codec/equality';
import { type ErrorList, forbidden, invalid, Path, required } from '@keelson/api/field';
import type {
  Affinity,
  Container,
  NodeAffinity,
  NodeSelectorTerm,
  Pod,
  PodSchedulingGate,
  PodSpec,
} from '@keelson/api/generated/types/core/v1';
import { structType } from '@keelson/api/schema';
import { inclusiveRangeMessage } from '@keelson/api/validation/names';
import { internalForm, internalList, internalValue } from '../../../validation/internal.ts';
import { diffJSON } from '../../../validation/unifieddiff.ts';
import { validatePodAnnotationUpdates } from './annotations.ts';
import { validateImageSpaces } from './containers.ts';
import { type PodPolicy, podOptions } from './options.ts';
import { SPEC, validatePodContent } from './pod.ts';
import { validateOnlyAddedTolerations } from './tolerations.ts';

const MAX_INT32 = 2 ** 31 - 1;
const POD_SPEC = structType('io.k8s.api.core.v1.PodSpec');
const NODE_AFFINITY = structType('io.k8s.api.core.v1.NodeAffinity');
const TERM = 'io.k8s.api.core.v1.NodeSelectorTerm';
const UPDATABLE = [
  '`spec.containers[*].image`',
  '`spec.initContainers[*].image`',
  '`spec.activeDeadlineSeconds`',
  '`spec.tolerations` (only additions to existing tolerations)',
  '`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)',
].join(',');

export function validatePodUpdate(policy: PodPolicy, pod: Pod, old: Pod): ErrorList {
  const { spec } = pod;
  const options = podOptions(policy, old);
  const errors = [
    ...validatePodContent(pod, options),
    ...validatePodAnnotationUpdates(
      pod.metadata.annotations ?? {},
      old.metadata.annotations ?? {},
      spec,
      options,
      Path.of('metadata', 'annotations'),
    ),
  ];
  for (const key of ['containers', 'initContainers'] as const) {
    const [containers, before] = [spec[key] ?? [], old.spec[key] ?? []];
    if (containers.length !== before.length)
      return [...errors, forbidden(SPEC.child(key), 'pod updates may not add or remove containers')];
    errors.push(...validateImages(containers, SPEC.child(key)));
  }
  const { problems, stop } = validateDeadline(spec, old.spec);
  errors.push(...problems);
  if (stop) return errors;
  errors.push(
    ...validateOnlyAddedTolerations(
      spec.tolerations ?? [],
      old.spec.tolerations ?? [],
      options,
      SPEC.child('tolerations'),
    ),
    ...validateOnlyDeletedGates(
      spec.schedulingGates ?? [],
      old.spec.schedulingGates ?? [],
      SPEC.child('schedulingGates'),
    ),
  );
  return semanticEqual(spec, old.spec, POD_SPEC) ? errors : [...errors, ...validateRest(spec, old.spec)];
}

function validateImages(containers: readonly Container[], path: Path): ErrorList {
  return containers.flatMap((container, i) => [
    ...(container.image ? [] : [required(path.index(i).child('image'))]),
    ...validateImageSpaces(container, path.index(i)),
  ]);
}

/** A deadline may be set, and become shorter. */
function validateDeadline(
  { activeDeadlineSeconds: deadline }: PodSpec,
  { activeDeadlineSeconds: old }: PodSpec,
): { problems: ErrorList; stop: boolean } {
  const problem = (value: unknown, detail: string) => [invalid(SPEC.child('activeDeadlineSeconds'), value, detail)];
  if (deadline === undefined) {
    const problems =
      old === undefined ? [] : problem(undefined, 'must not update from a positive integer to nil value');
    return { problems, stop: false };
  }
  if (deadline < 0 || deadline > MAX_INT32)
    return { problems: problem(deadline, inclusiveRangeMessage(0, MAX_INT32)), stop: true };
  if (old !== undefined && old < deadline)
    return { problems: problem(deadline, 'must be less than or equal to previous value'), stop: true };
  return { problems: [], stop: false };
}

function validateOnlyDeletedGates(
  gates: readonly PodSchedulingGate[],
  old: readonly PodSchedulingGate[],
  path: Path,
): ErrorList {
  const last = new Map(gates.map(({ name }, i) => [name, i]));
  return [...last].flatMap(([name, i]) =>
    old.some((gate) => gate.name === name)
      ? []
      : [forbidden(path.index(i).child('name'), `only deletion is allowed, but found new scheduling gate '${name}'`)],
  );
}

/** Puts back what may change, and shows what else did. */
function validateRest(spec: PodSpec, old: PodSpec): ErrorList {
  const errors: ErrorList = [];
  const munged: PodSpec = {
    ...spec,
    containers: withImages(spec.containers ?? [], old.containers ?? []),
    ...restored(old, 'activeDeadlineSeconds', 'schedulingGates', 'tolerations'),
  };
  if (spec.initContainers) munged.initContainers = withImages(spec.initContainers, old.initContainers ?? []);
  if ((old.terminationGracePeriodSeconds ?? 0) < 0 && munged.terminationGracePeriodSeconds === 1)
    munged.terminationGracePeriodSeconds = old.terminationGracePeriodSeconds!;
  if (old.schedulingGates?.length) {
    errors.push(...validateNodeSelectorMutation(munged.nodeSelector, old.nodeSelector ?? {}));
    Object.assign(munged, restored(old, 'nodeSelector'));
    const [affinity, before] = [munged.affinity?.nodeAffinity, old.affinity?.nodeAffinity];
    if (!semanticEqual(affinity, before, NODE_AFFINITY)) {
      errors.push(...validateNodeAffinityMutation(affinity, before));
      Object.assign(munged, { affinity: withNodeAffinity(munged.affinity, old.affinity) });
    }
  }
  if (semanticEqual(munged, old, POD_SPEC)) return errors;
  const diff = diffJSON(internalForm(POD_SPEC.name, old), internalForm(POD_SPEC.name, munged));
  return [...errors, forbidden(SPEC, `pod updates may not change fields other than ${UPDATABLE}\n${diff}`)];
}

function withImages(containers: readonly Container[], old: readonly Container[]): Container[] {
  return containers.map((container, i) => ({ ...container, image: old[i]!.image ?? '' }));
}

function restored<K extends keyof PodSpec>(old: PodSpec, ...keys: K[]): Pick<PodSpec, K> {
  return Object.fromEntries(keys.map((key) => [key, old[key]])) as Pick<PodSpec, K>;
}

function withNodeAffinity(affinity: Affinity | undefined, old: Affinity | undefined): Affinity | undefined {
  const { nodeAffinity: _, ...others } = affinity ?? {};
  const restoredAffinity = old?.nodeAffinity ? { ...others, nodeAffinity: old.nodeAffinity } : others;
  // A pod that had no affinity at all is as before when node affinity was all that came.
  const nothing = Object.keys(restoredAffinity).length === 0;
  return nothing && (!affinity || !old) ? undefined : restoredAffinity;
}

type Selector = Readonly<Record<string, string>>;

function validateNodeSelectorMutation(selector: Selector | undefined, old: Selector): ErrorList {
  if (Object.entries(old).every(([key, value]) => selector?.[key] === value)) return [];
  return [
    invalid(
      SPEC.child('nodeSelector'),
      selector,
      'only additions to spec.nodeSelector are allowed (no mutations or deletions)',
    ),
  ];
}

/** A gated pod's required terms get more requirements, each at its end. */
function validateNodeAffinityMutation(affinity: NodeAffinity | undefined, old: NodeAffinity | undefined): ErrorList {
  const before = old?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms ?? [];
  const given = affinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms;
  const terms = given ?? [];
  if (before.length === 0) return [];
  const at = SPEC.child(
    'affinity',
    'nodeAffinity',
    'requiredDuringSchedulingIgnoredDuringExecution',
    'nodeSelectorTerms',
  );
  if (before.length !== terms.length)
    return [
      invalid(at, internalList(TERM, given), 'no additions/deletions to non-empty NodeSelectorTerms list are allowed'),
    ];
  return before.flatMap((term, i) =>
    onlyAdds(terms[i]!, term)
      ? []
      : [invalid(at.index(i), internalValue(TERM, terms[i]), 'only additions are allowed (no mutations or deletions)')],
  );
}

function onlyAdds(term: NodeSelectorTerm, old: NodeSelectorTerm): boolean {
  const isEmpty = (t: NodeSelectorTerm) => !t.matchExpressions?.length && !t.matchFields?.length;
  if (isEmpty(old)) return isEmpty(term);
  return (['matchExpressions', 'matchFields'] as const).every((key) => {
    const before = old[key] ?? [];
    return semanticEqual((term[key] ?? []).slice(0, before.length), before);
  });
}
