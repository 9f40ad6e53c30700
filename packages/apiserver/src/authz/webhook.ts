/** Somebody else is asked whether a user may, by a SubjectAccessReview (k8s.io/apiserver/plugin/pkg/authorizer/webhook). */
import type {
  ResourceAttributes,
  SubjectAccessReviewSpec,
  SubjectAccessReviewStatus,
} from '@keelson/api/generated/types/authorization/v1';
import type { FieldSelectorRequirement, LabelSelectorRequirement } from '@keelson/api/generated/types/meta/v1';
import type { LabelOperator } from '@keelson/api/selectors/labels';
import { LRUCache } from 'lru-cache';
import type { Expression } from '../admission/cel/expression.ts';
import { asError } from '../aggregate.ts';
import { type KubeconfigWebhook, WebhookUnreachable, type WebhookWorld, withRetries } from '../webhook/kubeconfig.ts';
import { reviewOf } from '../webhook/review.ts';
import type { Attributes, Authorizer, Decision, RulesOf } from './attributes.ts';
import { NO_OPINION } from './attributes.ts';
import { compileMatchCondition, matches } from './conditions.ts';
import type { WebhookConfig } from './configuration.ts';
import type { AuthorizationMetrics } from './metrics.ts';

export interface WebhookAuthorizerOptions {
  readonly name: string;
  readonly config: WebhookConfig;
  readonly webhook: KubeconfigWebhook;
  readonly metrics: AuthorizationMetrics;
  readonly world: WebhookWorld;
}

const GROUP = 'authorization.k8s.io';
const MAX_REMEMBERED = 8192;
/** Who asks with names that are longer is not remembered: he decides how long they are. */
const MAX_REMEMBERED_CHARACTERS = 10_000;
const FIRST_PAUSE_MS = 500;

export class WebhookAuthorizer implements Authorizer {
  readonly #options: WebhookAuthorizerOptions;
  readonly #conditions: readonly Expression[];
  readonly #answers: LRUCache<string, SubjectAccessReviewStatus>;

  constructor(options: WebhookAuthorizerOptions) {
    this.#options = options;
    this.#conditions = options.config.matchConditions.map(compileMatchCondition);
    this.#answers = new LRUCache({
      max: MAX_REMEMBERED,
      ttl: 1,
      ttlResolution: 0,
      perf: { now: () => options.world.clock.now() },
    });
  }

  readonly authorize = (attributes: Attributes): Decision | Promise<Decision> => {
    const spec = specOf(attributes);
    try {
      if (!this.#matches(spec)) return NO_OPINION;
    } catch (error) {
      return this.#undecided(error);
    }
    const key = JSON.stringify(spec);
    const known = this.#answers.get(key);
    return known ? decisionOf(known) : this.#ask(spec, key, isShort(attributes));
  };

  rulesFor(): RulesOf {
    const error = new Error('webhook authorizer does not support user rule resolution');
    return { resourceRules: [], nonResourceRules: [], incomplete: true, error };
  }

  close(): void {
    this.#options.webhook.close();
  }

  #matches(spec: SubjectAccessReviewSpec): boolean {
    if (this.#conditions.length === 0) return true;
    const { name, metrics } = this.#options;
    const timed = metrics.condition(name);
    try {
      const isMatch = matches(this.#conditions, spec);
      timed(isMatch ? undefined : 'excluded');
      return isMatch;
    } catch (error) {
      timed('failed');
      throw error;
    }
  }

  async #ask(spec: SubjectAccessReviewSpec, key: string, isRemembered: boolean): Promise<Decision> {
    const { config, name, webhook, metrics, world } = this.#options;
    const { version } = config;
    const kind = { group: GROUP, version, kind: 'SubjectAccessReview' };
    const body = Buffer.from(
      `${JSON.stringify({
        kind: kind.kind,
        apiVersion: `${GROUP}/${version}`,
        metadata: {},
        spec: version === 'v1' ? spec : legacySpec(spec),
        status: { allowed: false },
      })}\n`,
    );
    let result: 'error' | 'timeout' = 'error';
    try {
      const status = await withRetries(world, { firstMs: FIRST_PAUSE_MS }, async () => {
        const timed = metrics.webhook(name);
        try {
          const review = reviewOf<{ status?: Partial<SubjectAccessReviewStatus> }>(await webhook.post(body), kind);
          timed('success');
          return { allowed: false, ...review.status };
        } catch (error) {
          result = isTimeout(error) ? 'timeout' : 'error';
          timed(result);
          throw error;
        }
      });
      const ttl = status.allowed ? config.authorizedTtlMs : config.unauthorizedTtlMs;
      if (isRemembered && ttl > 0) this.#answers.set(key, status, { ttl });
      return decisionOf(status);
    } catch (error) {
      if (config.failurePolicy === 'NoOpinion') metrics.failedOpen(name, result);
      return this.#undecided(error);
    }
  }

  #undecided(error: unknown): Decision {
    const decision = this.#options.config.failurePolicy === 'Deny' ? 'deny' : 'no-opinion';
    return { decision, reason: '', error: asError(error) };
  }
}

function isTimeout(error: unknown): boolean {
  return (error instanceof WebhookUnreachable && error.timedOut) || (error as { reason?: string }).reason === 'Timeout';
}

function decisionOf({ allowed, denied, reason = '' }: SubjectAccessReviewStatus): Decision {
  if (!denied) return { decision: allowed ? 'allow' : 'no-opinion', reason };
  const error = new Error('webhook subject access review returned both allow and deny response');
  return { decision: 'deny', reason, ...(allowed ? { error } : {}) };
}

/** Keys in the order in which upstream writes them; what is empty is left out. */
function specOf(a: Attributes): SubjectAccessReviewSpec {
  const { name, uid, groups, extra } = a.user;
  return {
    ...(a.isResourceRequest
      ? { resourceAttributes: resourceOf(a) }
      : { nonResourceAttributes: some({ path: a.path, verb: a.verb }) }),
    ...some({ user: name }),
    ...(groups.length > 0 ? { groups: [...groups] } : {}),
    ...(Object.keys(extra).length > 0 ? { extra: sorted(extra) } : {}),
    ...some({ uid }),
  };
}

function sorted(extra: Readonly<Record<string, readonly string[]>>): Record<string, string[]> {
  const keys = Object.keys(extra).sort();
  return Object.fromEntries(keys.map((key) => [key, [...extra[key]!]]));
}

function resourceOf(a: Attributes): ResourceAttributes {
  const fields = (a.fieldSelector?.requirements ?? []).map(
    ({ field, operator, value }): FieldSelectorRequirement => ({
      key: field,
      operator: operator === '=' ? 'In' : 'NotIn',
      values: [value],
    }),
  );
  const labels = (a.labelSelector?.requirements ?? []).flatMap(
    ({ key, operator, values }): LabelSelectorRequirement[] => {
      const known = LABEL_OPERATORS[operator];
      return known ? [{ key, operator: known, ...(values.length > 0 ? { values: [...values] } : {}) }] : [];
    },
  );
  return {
    ...some({
      namespace: a.namespace,
      verb: a.verb,
      group: a.apiGroup,
      version: a.apiVersion,
      resource: a.resource,
      subresource: a.subresource,
      name: a.name,
    }),
    ...(fields.length > 0 ? { fieldSelector: { requirements: fields } } : {}),
    ...(labels.length > 0 ? { labelSelector: { requirements: labels } } : {}),
  };
}

/** Others are left out: what is asked is then no narrower than what was meant. */
const LABEL_OPERATORS: Partial<Record<LabelOperator, string>> = {
  in: 'In',
  '=': 'In',
  '==': 'In',
  notin: 'NotIn',
  '!=': 'NotIn',
  exists: 'Exists',
  '!': 'DoesNotExist',
};

function some<T extends Readonly<Record<string, string>>>(fields: T): Partial<T> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== '')) as Partial<T>;
}

/** v1beta1 calls the groups `group`. */
function legacySpec({ groups, ...rest }: SubjectAccessReviewSpec): object {
  const { extra, uid, ...first } = rest;
  return {
    ...first,
    ...(groups ? { group: groups } : {}),
    ...(extra ? { extra } : {}),
    ...(uid ? { uid } : {}),
  };
}

function isShort(a: Attributes): boolean {
  const texts = [a.namespace, a.verb, a.apiGroup, a.apiVersion, a.resource, a.subresource, a.name, a.path];
  return texts.reduce((sum, text) => sum + Buffer.byteLength(text), 0) < MAX_REMEMBERED_CHARACTERS;
}
