import type { MutatingWebhookConfiguration } from '@keelson/api/generated/types/admissionregistration/v1';
import type { KindRegistration } from '../../strategy.ts';
import { webhookTable } from '../columns.ts';
import type { CompileExpression } from '../expressions.ts';
import { makeStrategy } from './strategy.ts';

export function makeMutatingWebhookConfigurationRegistration(
  compile?: CompileExpression,
): KindRegistration<MutatingWebhookConfiguration> {
  return { strategy: makeStrategy(compile), table: webhookTable };
}
