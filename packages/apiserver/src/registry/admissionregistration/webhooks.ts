/** Both kinds of webhooks. Compare pkg/apis/admissionregistration/validation: validate{Mutating,Validating}Webhook. */

import { semanticEqual } from '@keelson/api/codec/equality';
import { duplicate, type ErrorList, invalid, notSupported, Path, required } from '@keelson/api/field';
import type { MutatingWebhook, ValidatingWebhook } from '@keelson/api/generated/types/admissionregistration/v1';
import { isFullyQualifiedName } from '@keelson/api/validation/domains';
import { isDNS1035Label } from '@keelson/api/validation/names';
import { repeatsIn } from '@keelson/api/validation/repeats';
import { invalidFor } from '../validation/fields.ts';
import { validateLabelSelector } from '../validation/labelselector.ts';
import { validateWebhookService, validateWebhookUrl } from '../validation/webhook.ts';
import type { CompileExpression, ExpressionScope } from './expressions.ts';
import { MATCH_POLICIES, oneOf, validateMatchConditions, validateRule } from './matching.ts';
import { FAILURE_POLICIES, REINVOCATION_POLICIES } from './policy.ts';

type Webhook = ValidatingWebhook | MutatingWebhook;

const REVIEW_VERSIONS = ['v1', 'v1beta1'];
const SIDE_EFFECTS = ['None', 'NoneOnDryRun', 'Some', 'Unknown'];
const NO_SIDE_EFFECTS = ['None', 'NoneOnDryRun'];
const MAX_TIMEOUT_SECONDS = 30;

/** What an update may leave as it was before the rule came. */
interface Options {
  readonly ignoreMatchConditions: boolean;
  readonly requireNoSideEffects: boolean;
  readonly requireKnownReviewVersion: boolean;
  readonly requireUniqueNames: boolean;
  readonly allowInvalidLabelValueInSelector: boolean;
  readonly scope: ExpressionScope;
}

/** @param old the webhooks before an update; undefined on create */
export function validateWebhooks(
  hooks: readonly Webhook[] | undefined,
  old: readonly Webhook[] | undefined,
  compile: CompileExpression | undefined,
): ErrorList {
  const options = optionsFor(hooks ?? [], old, compile);
  const names = new Set<string>();
  return (hooks ?? []).flatMap((hook, i) => {
    const path = Path.of('webhooks').index(i);
    const isRepeated = options.requireUniqueNames && hook.name !== '' && names.has(hook.name);
    names.add(hook.name);
    return [
      ...validateWebhook(hook, options, path),
      ...validateReviewVersions(hook.admissionReviewVersions ?? [], options, path.child('admissionReviewVersions')),
      ...(isRepeated ? [duplicate(path.child('name'), hook.name)] : []),
    ];
  });
}

function optionsFor(
  hooks: readonly Webhook[],
  old: readonly Webhook[] | undefined,
  compile: CompileExpression | undefined,
): Options {
  const before = old ?? [];
  const stored = new Set(before.flatMap((h) => (h.matchConditions ?? []).map((c) => c.expression)));
  return {
    ignoreMatchConditions:
      old !== undefined &&
      hooks.length === old.length &&
      hooks.every((hook, i) => semanticEqual(hook.matchConditions, old[i]!.matchConditions)),
    requireNoSideEffects: before.every((h) => NO_SIDE_EFFECTS.includes(h.sideEffects ?? '')),
    requireKnownReviewVersion: before.every(
      ({ admissionReviewVersions: versions }) => !versions?.length || versions.some(isKnownReviewVersion),
    ),
    requireUniqueNames: new Set(before.map((h) => h.name)).size === before.length,
    allowInvalidLabelValueInSelector: before.some((h) => validateSelectors(h, {}, Path.root).length > 0),
    scope: { compile, stored, hasParams: false },
  };
}

function validateWebhook(hook: Webhook, options: Options, path: Path): ErrorList {
  const { timeoutSeconds: timeout, matchConditions } = hook;
  const errors = [
    ...isFullyQualifiedName(path.child('name'), hook.name),
    ...(hook.rules ?? []).flatMap((rule, i) => validateRule(rule, path.child('rules').index(i))),
    ...oneOf(hook.failurePolicy, FAILURE_POLICIES, path.child('failurePolicy')),
    ...oneOf(hook.matchPolicy, MATCH_POLICIES, path.child('matchPolicy')),
    ...validateSideEffects(hook.sideEffects, options, path.child('sideEffects')),
  ];
  if (timeout !== undefined && (timeout < 1 || timeout > MAX_TIMEOUT_SECONDS)) {
    const why = `the timeout value must be between 1 and ${MAX_TIMEOUT_SECONDS} seconds`;
    errors.push(invalid(path.child('timeoutSeconds'), timeout, why));
  }
  errors.push(...validateSelectors(hook, options, path));
  if ('reinvocationPolicy' in hook)
    errors.push(...oneOf(hook.reinvocationPolicy, REINVOCATION_POLICIES, path.child('reinvocationPolicy')));
  errors.push(...validateClientConfig(hook, path.child('clientConfig')));
  if (!options.ignoreMatchConditions)
    errors.push(...validateMatchConditions(matchConditions, options.scope, path.child('matchConditions')));
  return errors;
}

function validateSelectors(
  hook: Webhook,
  options: Pick<Partial<Options>, 'allowInvalidLabelValueInSelector'>,
  path: Path,
): ErrorList {
  return (['namespaceSelector', 'objectSelector'] as const).flatMap((field) =>
    validateLabelSelector(hook[field], options, path.child(field)),
  );
}

function validateSideEffects(effects: string | null, { requireNoSideEffects }: Options, path: Path): ErrorList {
  const allowed = requireNoSideEffects ? NO_SIDE_EFFECTS : SIDE_EFFECTS;
  if (effects == null) return [required(path, `must specify one of ${allowed.join(', ')}`)];
  return allowed.includes(effects) ? [] : [notSupported(path, effects, allowed)];
}

function validateClientConfig({ clientConfig: { url, service } }: Webhook, path: Path): ErrorList {
  if (url !== undefined && !service) return validateWebhookUrl(url, path.child('url'));
  if (url === undefined && service) return validateWebhookService(service, path.child('service'));
  return [required(path, 'exactly one of url or service is required')];
}

function validateReviewVersions(versions: readonly string[], options: Options, path: Path): ErrorList {
  const known = REVIEW_VERSIONS.join(', ');
  if (versions.length === 0) return [required(path, `must specify one of ${known}`)];
  const repeats = repeatsIn(versions);
  const errors = versions.flatMap((version, i) =>
    repeats.has(i)
      ? [invalid(path.index(i), version, 'duplicate version')]
      : invalidFor(path.index(i), version, isDNS1035Label(version)),
  );
  if (options.requireKnownReviewVersion && !versions.some(isKnownReviewVersion))
    errors.push(invalid(path, versions, `must include at least one of ${known}`));
  return errors;
}

function isKnownReviewVersion(version: string): boolean {
  return REVIEW_VERSIONS.includes(version);
}
