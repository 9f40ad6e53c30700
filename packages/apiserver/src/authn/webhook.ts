/** Somebody else is asked whose a token is, by a TokenReview (k8s.io/apiserver/plugin/pkg/authenticator/token/webhook). */
import type { TokenReviewStatus } from '@keelson/api/generated/types/authentication/v1';
import { type KubeconfigWebhook, type WebhookWorld, withRetries } from '../webhook/kubeconfig.ts';
import { reviewOf } from '../webhook/review.ts';
import { intersect, type TokenAuthenticator } from './authenticator.ts';

export interface TokenWebhookOptions {
  readonly webhook: KubeconfigWebhook;
  /** Of the TokenReviews that are sent. */
  readonly version: 'v1' | 'v1beta1';
  /** Of a token of which the webhook does not say what it is meant for. */
  readonly apiAudiences: readonly string[];
  readonly world: WebhookWorld;
}

const GROUP = 'authentication.k8s.io';
const FIRST_PAUSE_MS = 500;

/** Undefined for a token that is nobody's, or meant for others. @throws Error with what the webhook says is wrong */
export function tokenWebhook({ webhook, version, apiAudiences, world }: TokenWebhookOptions): TokenAuthenticator {
  const kind = { group: GROUP, version, kind: 'TokenReview' };
  return async (token, requested) => {
    const review = {
      kind: kind.kind,
      apiVersion: `${GROUP}/${version}`,
      metadata: {},
      spec: { token, ...(requested.length > 0 ? { audiences: requested } : {}) },
      status: { user: {} },
    };
    const body = Buffer.from(`${JSON.stringify(review)}\n`);
    const status = await withRetries<Partial<TokenReviewStatus>>(world, { firstMs: FIRST_PAUSE_MS }, async () => {
      const answer = reviewOf<{ status?: TokenReviewStatus }>(await webhook.post(body), kind);
      return answer.status ?? {};
    });
    const audiences = intersect(requested, status.audiences?.length ? status.audiences : apiAudiences);
    if (requested.length > 0 && audiences.length === 0) return undefined;
    if (!status.authenticated) {
      if (status.error) throw new Error(status.error);
      return undefined;
    }
    const { username = '', uid = '', groups, extra } = status.user ?? {};
    const user = { name: username, uid, groups: groups ?? [], extra: extra ?? {} };
    return { user, ...(requested.length > 0 ? { audiences } : {}) };
  };
}
