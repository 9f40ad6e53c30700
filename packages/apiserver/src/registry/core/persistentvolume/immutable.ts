/** What of a PersistentVolume may not change, and how the difference is shown. */
import { semanticEqual } from '@keelson/api/codec/equality';
import { type ErrorList, forbidden, invalid, Path } from '@keelson/api/field';
import type {
  NodeSelectorRequirement,
  PersistentVolumeSpec,
  VolumeNodeAffinity,
} from '@keelson/api/generated/types/core/v1';
import { structType } from '@keelson/api/schema';
import { internalForm, internalValue } from '../../validation/internal.ts';
import { diffJSON } from '../../validation/unifieddiff.ts';

const SOURCE = 'io.k8s.api.core.v1.PersistentVolumeSource';

export function validateSourceUpdate(spec: PersistentVolumeSpec, old: PersistentVolumeSpec): ErrorList {
  const before = sourceOf(old);
  const after = sourceOf(spec);
  // Volumes of old know no secret for expansion: it may be added.
  if (before.csi && after.csi && !before.csi.controllerExpandSecretRef) {
    const { controllerExpandSecretRef: _, ...csi } = after.csi;
    after.csi = csi;
  }
  if (semanticEqual(before, after)) return [];
  const difference = diffJSON(internalForm(SOURCE, before), internalForm(SOURCE, after));
  const text = `spec.persistentvolumesource is immutable after creation\n${difference}`;
  return [forbidden(Path.of('spec', 'persistentvolumesource'), text)];
}

function sourceOf(spec: PersistentVolumeSpec): Pick<PersistentVolumeSpec, 'csi'> {
  const names = structType(SOURCE).byJson;
  return Object.fromEntries(Object.entries(spec).filter(([name]) => names.has(name)));
}

const GA_LABELS: Readonly<Record<string, string>> = {
  'failure-domain.beta.kubernetes.io/zone': 'topology.kubernetes.io/zone',
  'failure-domain.beta.kubernetes.io/region': 'topology.kubernetes.io/region',
  'beta.kubernetes.io/os': 'kubernetes.io/os',
  'beta.kubernetes.io/arch': 'kubernetes.io/arch',
  'beta.kubernetes.io/instance-type': 'node.kubernetes.io/instance-type',
};

/** Once set it stays, but for labels that move to their final names. */
export function validateNodeAffinityUpdate(
  affinity: VolumeNodeAffinity | undefined,
  old: VolumeNodeAffinity | undefined,
): ErrorList {
  if (!old || sameAffinity(affinity, old)) return [];
  const shown = internalValue('io.k8s.api.core.v1.VolumeNodeAffinity', affinity);
  return [invalid(Path.of('nodeAffinity'), shown, 'field is immutable, except for updating from beta label to GA')];
}

function sameAffinity(affinity: VolumeNodeAffinity | undefined, old: VolumeNodeAffinity): boolean {
  const terms = affinity?.required?.nodeSelectorTerms ?? [];
  const before = old.required?.nodeSelectorTerms ?? [];
  if (!affinity || (affinity.required === undefined) !== (old.required === undefined)) return false;
  return (
    terms.length === before.length &&
    terms.every(
      (term, i) =>
        sameRequirements(term.matchExpressions, before[i]!.matchExpressions) &&
        sameRequirements(term.matchFields, before[i]!.matchFields),
    )
  );
}

function sameRequirements(
  list: readonly NodeSelectorRequirement[] = [],
  old: readonly NodeSelectorRequirement[] = [],
): boolean {
  return (
    list.length === old.length &&
    list.every((requirement, i) => {
      const before = old[i]!;
      // Go finds the empty key for a label that has not moved.
      const moved = (GA_LABELS[before.key] ?? '') === requirement.key;
      return semanticEqual(requirement, moved ? { ...before, key: requirement.key } : before);
    })
  );
}
