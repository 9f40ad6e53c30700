import type { MutatingWebhookConfiguration } from '@keelson/api/generated/types/admissionregistration/v1';
import { bumpGenerationExactly } from '../../generation.ts';
import type { Strategy } from '../../strategy.ts';
import { defaultWebhook } from '../defaults.ts';
import type { CompileExpression } from '../expressions.ts';
import { groupStrategy } from '../strategy.ts';
import { validateWebhooks } from '../webhooks.ts';

export function makeStrategy(compile: CompileExpression | undefined): Strategy<MutatingWebhookConfiguration> {
  return {
    ...groupStrategy('webhooks'),
    prepareForUpdate: (_ctx, obj, old) => bumpGenerationExactly(obj, old, 'webhooks'),
    defaults({ webhooks = [] }) {
      for (const hook of webhooks) {
        defaultWebhook(hook);
        hook.reinvocationPolicy ??= 'Never';
      }
    },
    validate: (_ctx, obj) => validateWebhooks(obj.webhooks, undefined, compile),
    validateUpdate: (_ctx, obj, old) => validateWebhooks(obj.webhooks, old.webhooks ?? [], compile),
  };
}
