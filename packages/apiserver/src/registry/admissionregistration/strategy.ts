/** What the strategies of the whole group share (pkg/registry/admissionregistration). */
import type { TypedObject } from '@keelson/api/object';
import { bumpGeneration, startGeneration } from '../generation.ts';
import type { Strategy } from '../strategy.ts';

/** Such names are kept for what the server reads from files. */
const STATIC_SUFFIX = '.static.k8s.io';

/** @param content the part of the object whose changes make a new generation */
export function groupStrategy<T extends TypedObject>(
  content: keyof T,
): Required<
  Pick<
    Strategy<T>,
    | 'allowUnconditionalUpdate'
    | 'metadataRules'
    | 'updateChecks'
    | 'prepareForCreate'
    | 'prepareForUpdate'
    | 'warningsOnCreate'
    | 'warningsOnUpdate'
  >
> {
  return {
    allowUnconditionalUpdate: false,
    metadataRules: 'generic',
    updateChecks: ['new metadata', 'kind'],
    prepareForCreate: (_ctx, obj) => startGeneration(obj),
    prepareForUpdate: (_ctx, obj, old) => bumpGeneration(obj, old, content),
    warningsOnCreate: (_ctx, obj) => staticNameWarnings(obj),
    warningsOnUpdate: (_ctx, obj) => staticNameWarnings(obj),
  };
}

function staticNameWarnings({ metadata }: TypedObject): string[] {
  if (!metadata.name?.endsWith(STATIC_SUFFIX)) return [];
  const why = 'reserved for static manifest-based configurations and cannot be managed via the API';
  return [`metadata.name: names ending with "${STATIC_SUFFIX}" are ${why}`];
}
