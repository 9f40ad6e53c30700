/** Compare pkg/apis/admissionregistration/{v1,v1beta1,v1alpha1}/defaults.go. The versions of policies differ in `paramRef` alone. */
import type {
  MatchResources,
  ParamRef,
  Rule,
  ValidatingWebhook,
} from '@keelson/api/generated/types/admissionregistration/v1';

const HTTPS_PORT = 443;
const TIMEOUT_SECONDS = 10;

/** What both kinds of webhooks share. */
export function defaultWebhook(hook: ValidatingWebhook): void {
  defaultMatching(hook);
  hook.failurePolicy ??= 'Fail';
  hook.timeoutSeconds ??= TIMEOUT_SECONDS;
  if (hook.clientConfig.service) hook.clientConfig.service.port ??= HTTPS_PORT;
  defaultRules(hook.rules);
}

export function defaultMatchResources(match: MatchResources | undefined): void {
  if (!match) return;
  defaultMatching(match);
  defaultRules(match.resourceRules);
  defaultRules(match.excludeResourceRules);
}

export function defaultParamRef(reference: ParamRef | undefined, version: string): void {
  if (reference && version === 'v1alpha1') reference.parameterNotFoundAction ??= 'Deny';
}

function defaultMatching(target: Pick<MatchResources, 'matchPolicy' | 'namespaceSelector' | 'objectSelector'>): void {
  target.matchPolicy ??= 'Equivalent';
  target.namespaceSelector ??= {};
  target.objectSelector ??= {};
}

function defaultRules(rules: readonly Rule[] | undefined): void {
  for (const rule of rules ?? []) rule.scope ??= '*';
}
