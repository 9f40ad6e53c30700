import type { CustomResourceDefinition } from '@keelson/api/generated/types/apiextensions/v1';
import type { KindRegistration } from '../../strategy.ts';
import type { SchemaJudge } from './schema.ts';
import { crdStatus, crdStrategy } from './strategy.ts';
import { fromV1beta1 } from './v1beta1.ts';

/** @param judge what else must be true of schemas: their structure, defaults and rules */
export function makeCustomResourceDefinitionRegistration(
  judge: SchemaJudge,
): KindRegistration<CustomResourceDefinition> {
  return {
    strategy: crdStrategy(judge),
    subresources: { status: crdStatus },
    storedAsJson: true,
    conversions: { v1beta1: { toStorage: fromV1beta1 } },
  };
}
