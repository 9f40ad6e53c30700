import type { ValidatingWebhookConfiguration } from '@keelson/api/generated/types/admissionregistration/v1';
import type { KindRegistration } from '../../strategy.ts';
import { webhookTable } from '../columns.ts';
import type { CompileExpression } from '../expressions.ts';
import { makeStrategy } from './strategy.ts';

export function makeValidatingWebhookConfigurationRegistration(
  compile?: CompileExpression,
): KindRegistration<ValidatingWebhookConfiguration> {
  return { strategy: makeStrategy(compile), table: webhookTable };
}
