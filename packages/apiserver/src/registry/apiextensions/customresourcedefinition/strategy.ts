import type { CustomResourceDefinition } from '@keelson/api/generated/types/apiextensions/v1';
import { structType } from '@keelson/api/schema';
import { bumpGeneration, startGeneration } from '../../generation.ts';
import type { Strategy, ViewSubresource } from '../../strategy.ts';
import { setDefaults } from './defaults.ts';
import { formatWarnings } from './formats.ts';
import type { SchemaJudge } from './schema.ts';
import {
  crdNameProblems,
  validateCustomResourceDefinition,
  validateCustomResourceDefinitionStatus,
  validateCustomResourceDefinitionUpdate,
} from './validation.ts';

type CRD = CustomResourceDefinition;

const SPEC_TYPE = structType('io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.CustomResourceDefinitionSpec');
const CLEANUP_FINALIZER = 'customresourcecleanup.apiextensions.k8s.io';

export function crdStrategy(judge: SchemaJudge): Strategy<CRD> {
  return {
    allowUnconditionalUpdate: false,
    metadataRules: 'generic',
    validateName: crdNameProblems,
    // What is stored in another version gets them when it is converted.
    defaults: (obj, version) => (version === 'v1' ? setDefaults(obj) : undefined),
    prepareForCreate(_ctx, obj) {
      obj.status = { conditions: null, acceptedNames: { plural: '', kind: '' }, storedVersions: null };
      startGeneration(obj);
      dropEmptyWebhook(obj);
      addStoredVersion(obj);
    },
    warningsOnCreate: (_ctx, obj) => formatWarnings(obj),
    prepareForUpdate(_ctx, obj, old) {
      obj.status = structuredClone(old.status);
      dropEmptyWebhook(obj);
      bumpGeneration(obj, old, 'spec', SPEC_TYPE);
      addStoredVersion(obj);
    },
    judge: (_ctx, obj, old) =>
      old ? validateCustomResourceDefinitionUpdate(obj, old, judge) : validateCustomResourceDefinition(obj, judge),
    warningsOnUpdate: (_ctx, obj, old) => formatWarnings(obj, old),
    // The objects go first: who serves them deletes them and takes the finalizer away.
    termination: { begin, isComplete: () => true },
    resetFields: { 'apiextensions.k8s.io/v1': { 'f:status': {} } },
  };
}

/** Upstream's internal type holds a webhook's parts alone. */
function dropEmptyWebhook({ spec: { conversion } }: CRD): void {
  const { clientConfig, conversionReviewVersions } = conversion?.webhook ?? {};
  if (!clientConfig && !conversionReviewVersions?.length) delete conversion?.webhook;
}

function addStoredVersion({ spec, status }: CRD): void {
  const storage = spec.versions?.find((v) => v.storage);
  if (storage && !status.storedVersions?.includes(storage.name))
    status.storedVersions = [...(status.storedVersions ?? []), storage.name];
}

function begin({ metadata, status }: CRD): void {
  const finalizers = metadata.finalizers ?? [];
  if (!finalizers.includes(CLEANUP_FINALIZER)) metadata.finalizers = [...finalizers, CLEANUP_FINALIZER];
  const condition = {
    type: 'Terminating',
    status: 'True',
    lastTransitionTime: metadata.deletionTimestamp!,
    reason: 'InstanceDeletionPending',
    message: 'CustomResourceDefinition marked for deletion; CustomResource deletion will begin soon',
  };
  const conditions = status.conditions ?? [];
  const existing = conditions.find((c) => c.type === condition.type);
  if (existing?.status === condition.status && existing.lastTransitionTime)
    condition.lastTransitionTime = existing.lastTransitionTime;
  status.conditions = existing ? conditions.map((c) => (c === existing ? condition : c)) : [...conditions, condition];
}

export const crdStatus: ViewSubresource<CRD> = {
  type: 'view',
  noTable: true,
  strategy: {
    prepareForUpdate(_ctx, obj, old) {
      obj.spec = old.spec;
    },
    metadataRules: 'generic',
    validateUpdate: (_ctx, obj) => validateCustomResourceDefinitionStatus(obj),
    resetFields: { 'apiextensions.k8s.io/v1': { 'f:spec': {} } },
  },
};
