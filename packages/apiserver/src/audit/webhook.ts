/** Audit events posted to a webhook as an EventList of audit.k8s.io/v1 (apiserver/plugin/pkg/audit/webhook). */
import { type KubeconfigWebhook, type WebhookWorld, withRetries } from '../webhook/kubeconfig.ts';
import type { AuditBackend } from './sink.ts';

const HEAD = '{"kind":"EventList","apiVersion":"audit.k8s.io/v1","metadata":{},"items":[';

/** @param initialBackoffMs before the second attempt; whatever went wrong, there are five */
export function webhookBackend(
  webhook: KubeconfigWebhook,
  world: WebhookWorld,
  initialBackoffMs: number,
): AuditBackend {
  const hurry = new AbortController();
  const retry = { firstMs: initialBackoffMs, when: () => true, signal: hurry.signal };
  return {
    name: 'webhook',
    concurrent: true,
    encode: (event) => event.item(),
    async send(items) {
      const body = Buffer.from(`${HEAD}${items.join(',')}]}`);
      await withRetries(world, retry, () => webhook.post(body));
    },
    hurry: () => hurry.abort(),
    async close() {
      webhook.close();
    },
  };
}
