import { type ErrorList, forbidden, invalid, notSupported, Path, plain, required } from '@keelson/api/field';
import type { CustomResourceConversion, WebhookClientConfig } from '@keelson/api/generated/types/apiextensions/v1';
import { isDNS1035Label } from '@keelson/api/validation/names';
import { repeatsIn } from '@keelson/api/validation/repeats';
import { validateCABundle } from '../../validation/cabundle.ts';
import { invalidFor } from '../../validation/fields.ts';
import { validateWebhookService, validateWebhookUrl } from '../../validation/webhook.ts';

const STRATEGIES = ['None', 'Webhook'];
const REVIEW_VERSIONS = ['v1', 'v1beta1'];

export interface ConversionOptions {
  readonly requireRecognizedReviewVersion: boolean;
  readonly allowInvalidCABundle: boolean;
}

/** Fields are called what they are called inside the server. */
export function validateConversion(
  { strategy, webhook }: CustomResourceConversion,
  options: ConversionOptions,
  path: Path,
): ErrorList {
  const { clientConfig, conversionReviewVersions } = webhook ?? {};
  const clientPath = path.child('webhookClientConfig');
  const versionsPath = path.child('conversionReviewVersions');
  const errors = validateStrategy(strategy, path.child('strategy'));
  if (strategy !== 'Webhook')
    return [
      ...errors,
      ...(clientConfig ? [forbidden(clientPath, 'should not be set when strategy is not set to Webhook')] : []),
      ...(conversionReviewVersions?.length
        ? [forbidden(versionsPath, 'should not be set when strategy is not set to Webhook')]
        : []),
    ];
  return [
    ...errors,
    ...(clientConfig
      ? validateClient(clientConfig, options, clientPath)
      : [required(clientPath, 'required when strategy is set to Webhook')]),
    ...validateReviewVersions(conversionReviewVersions ?? [], options, versionsPath),
  ];
}

function validateStrategy(strategy: string, path: Path): ErrorList {
  if (!strategy) return [required(path)];
  return STRATEGIES.includes(strategy) ? [] : [notSupported(path, plain(strategy), STRATEGIES)];
}

function validateClient(
  { url, service, caBundle }: WebhookClientConfig,
  { allowInvalidCABundle }: ConversionOptions,
  path: Path,
): ErrorList {
  const errors: ErrorList = [];
  if ((url === undefined) === (service === undefined))
    errors.push(required(path, 'exactly one of url or service is required'));
  else if (url !== undefined) errors.push(...validateWebhookUrl(url, path.child('url')));
  else if (service) errors.push(...validateWebhookService(service, path.child('service')));
  if (caBundle && !allowInvalidCABundle) errors.push(...validateCABundle(path.child('caBundle'), caBundle));
  return errors;
}

function validateReviewVersions(versions: string[], options: ConversionOptions, path: Path): ErrorList {
  if (versions.length === 0) return [required(path)];
  const repeats = repeatsIn(versions);
  const errors = versions.flatMap((version, i) =>
    repeats.has(i)
      ? [invalid(path.index(i), version, 'duplicate version')]
      : invalidFor(path.index(i), version, isDNS1035Label(version)),
  );
  if (options.requireRecognizedReviewVersion && !recognizes(versions))
    errors.push(invalid(path, versions, `must include at least one of ${REVIEW_VERSIONS.join(', ')}`));
  return errors;
}

function recognizes(versions: readonly string[]): boolean {
  return versions.some((v) => REVIEW_VERSIONS.includes(v));
}

/** What an update may keep because it was there before. */
export function conversionOptions(old: CustomResourceConversion | undefined, established: boolean): ConversionOptions {
  const { clientConfig, conversionReviewVersions } = old?.webhook ?? {};
  const bundle = clientConfig?.caBundle;
  return {
    requireRecognizedReviewVersion: !conversionReviewVersions?.length || recognizes(conversionReviewVersions),
    allowInvalidCABundle:
      !established || (bundle !== undefined && bundle !== '' && validateCABundle(Path.root, bundle).length > 0),
  };
}
