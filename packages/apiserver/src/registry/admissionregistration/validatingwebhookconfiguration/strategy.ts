import type { ValidatingWebhookConfiguration } from '@keelson/api/generated/types/admissionregistration/v1';
import { equal } from '@keelson/api/patch/value';
import type { Strategy } from '../../strategy.ts';
import { defaultWebhook } from '../defaults.ts';
import type { CompileExpression } from '../expressions.ts';
import { groupStrategy } from '../strategy.ts';
import { validateWebhooks } from '../webhooks.ts';

export function makeStrategy(compile: CompileExpression | undefined): Strategy<ValidatingWebhookConfiguration> {
  return {
    ...groupStrategy('webhooks'),
    // What is empty is not what is absent here.
    prepareForUpdate(_ctx, obj, old) {
      if (!equal(obj.webhooks, old.webhooks)) obj.metadata.generation = (old.metadata.generation ?? 0) + 1;
    },
    defaults({ webhooks = [] }) {
      for (const hook of webhooks) defaultWebhook(hook);
    },
    validate: (_ctx, obj) => validateWebhooks(obj.webhooks, undefined, compile),
    validateUpdate: (_ctx, obj, old) => validateWebhooks(obj.webhooks, old.webhooks ?? [], compile),
  };
}
