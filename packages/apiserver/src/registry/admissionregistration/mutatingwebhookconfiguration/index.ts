import type { MutatingWebhookConfiguration } from '@keelson/api/generated/types/admissionregistration/v1';
import type { KindRegistration } from '../../strategy.ts';
import { webhookTable } from '../columns.ts';
import { strategy } from './strategy.ts';

export const registration: KindRegistration<MutatingWebhookConfiguration> = { strategy, table: webhookTable };
