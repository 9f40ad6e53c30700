import type { ValidatingWebhookConfiguration } from '@keelson/api/generated/types/admissionregistration/v1';
import type { Strategy } from '../../strategy.ts';
import { defaultWebhook } from '../defaults.ts';
import { groupStrategy } from '../strategy.ts';

export const strategy: Strategy<ValidatingWebhookConfiguration> = {
  ...groupStrategy('webhooks'),
  defaults({ webhooks = [] }) {
    for (const hook of webhooks) defaultWebhook(hook);
  },
};
