import type { MutatingWebhookConfiguration } from '@keelson/api/generated/types/admissionregistration/v1';
import type { Strategy } from '../../strategy.ts';
import { defaultWebhook } from '../defaults.ts';
import { groupStrategy } from '../strategy.ts';

export const strategy: Strategy<MutatingWebhookConfiguration> = {
  ...groupStrategy('webhooks'),
  defaults({ webhooks = [] }) {
    for (const hook of webhooks) {
      defaultWebhook(hook);
      hook.reinvocationPolicy ??= 'Never';
    }
  },
};
