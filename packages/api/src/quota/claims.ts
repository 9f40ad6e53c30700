/** What claims for volumes use of a quota (pkg/quota/v1/evaluator/core/persistent_volume_claims.go). */
import type { PersistentVolumeClaim } from '../generated/types/core/v1.ts';
import { Quantity } from '../quantity.ts';
import { type Amounts, ONE } from './amounts.ts';
import { countName, type Evaluator, matchesRequirement } from './evaluator.ts';

const COUNT = countName({ group: '', resource: 'persistentvolumeclaims' });
const CLAIMS = 'persistentvolumeclaims';
const STORAGE = 'requests.storage';
/** `gold.storageclass.storage.k8s.io/requests.storage` */
const BY_CLASS = '.storageclass.storage.k8s.io/';
const BETA_CLASS = 'volume.beta.kubernetes.io/storage-class';

export const claimEvaluator: Evaluator = {
  handles: ({ operation, subresource }) =>
    subresource === 'status' || (subresource === '' && (operation === 'CREATE' || operation === 'UPDATE')),
  counts: (name) =>
    [COUNT, CLAIMS, STORAGE].includes(name) || [CLAIMS, STORAGE].some((own) => name.endsWith(BY_CLASS + own)),
  usage: (object) => claimUsage(object as PersistentVolumeClaim),
  inScope: (requirement, object) =>
    requirement.scopeName === 'VolumeAttributesClass' &&
    matchesRequirement(requirement, attributesClasses(object as PersistentVolumeClaim)),
};

function claimUsage(claim: PersistentVolumeClaim): Amounts {
  const usage = new Map([
    [CLAIMS, ONE],
    [COUNT, ONE],
  ]);
  const storage = storageOf(claim);
  if (storage) usage.set(STORAGE, storage);
  const { metadata, spec } = claim;
  const className = metadata.annotations?.[BETA_CLASS] ?? spec?.storageClassName ?? '';
  if (className !== '') {
    usage.set(className + BY_CLASS + CLAIMS, ONE);
    if (storage) usage.set(className + BY_CLASS + STORAGE, storage);
  }
  return usage;
}

/** In whole bytes. What was allocated before counts as long as it is more than what is asked for. */
function storageOf({ spec, status }: PersistentVolumeClaim): Quantity | undefined {
  const requested = spec?.resources?.requests?.storage;
  if (requested === undefined) return undefined;
  const wanted = Quantity.parse(requested).roundUp(0);
  const allocated = status?.allocatedResources?.storage;
  const given = allocated === undefined ? undefined : Quantity.parse(allocated).roundUp(0);
  return given && given.cmp(wanted) > 0 ? given : wanted;
}

function attributesClasses({ spec, status }: PersistentVolumeClaim): string[] {
  return [
    spec?.volumeAttributesClassName,
    status?.currentVolumeAttributesClassName,
    status?.modifyVolumeStatus?.targetVolumeAttributesClassName,
  ].flatMap((name) => (name ? [name] : []));
}
