import { readFileSync, statSync } from 'node:fs';
import { systemClock } from '@keelson/api/clock';
import { parsePolicyFile } from '@keelson/apiserver/authz/abac';
import type { AuthorizationOptions } from '@keelson/apiserver/authz/build';
import {
  AUTHORIZATION_MODES,
  type AuthorizationConfiguration,
  type AuthorizationMode,
  authorizationConfiguration,
  configurationOfModes,
} from '@keelson/apiserver/authz/configuration';
import { KubeconfigWebhook } from '@keelson/apiserver/webhook/kubeconfig';
import { quote } from '@keelson/component/go/strconv';
import type { Logger } from '@keelson/component/logs/logger';
import type { Given, Values } from './flags.ts';
import type { WatchedFiles } from './reloadable.ts';

/** They say the same as a configuration file. */
const INSTEAD_OF_FILE = [
  'authorization-mode',
  'authorization-webhook-config-file',
  'authorization-webhook-version',
  'authorization-webhook-cache-authorized-ttl',
  'authorization-webhook-cache-unauthorized-ttl',
] as const;
const VERSIONS = ['v1', 'v1beta1'] as const;

/** What is wrong with the flags, in the words of kube-apiserver (pkg/kubeapiserver/options/authorization.go). */
export function authorizationErrors(values: Values, given: Given): (string | false)[] {
  if (values['authorization-config'] !== '') {
    const both = INSTEAD_OF_FILE.some((flag) => given.has(flag));
    return [
      both &&
        '--authorization-config can not be specified when --authorization-mode or --authorization-webhook-* flags are defined',
    ];
  }
  const modes = values['authorization-mode'];
  const has = (mode: string) => modes.includes(mode);
  const version = values['authorization-webhook-version'];
  return [
    given.has('authorization-mode') && modes.length === 0 && 'at least one authorization-mode must be passed',
    ...modes.flatMap((mode) => [
      !AUTHORIZATION_MODES.some((known) => known === mode) && `authorization-mode ${quote(mode)} is not a valid mode`,
      mode === 'ABAC' &&
        values['authorization-policy-file'] === '' &&
        "authorization-mode ABAC's authorization policy file not passed",
      mode === 'Webhook' &&
        values['authorization-webhook-config-file'] === '' &&
        "authorization-mode Webhook's authorization config file not passed",
    ]),
    values['authorization-policy-file'] !== '' &&
      !has('ABAC') &&
      'cannot specify --authorization-policy-file without mode ABAC',
    values['authorization-webhook-config-file'] !== '' &&
      !has('Webhook') &&
      'cannot specify --authorization-webhook-config-file without mode Webhook',
    new Set(modes).size !== modes.length &&
      `authorization-mode [${modes.map(quote).join(' ')}] has mode specified more than once`,
    has('Webhook') &&
      !VERSIONS.some((known) => known === version) &&
      `unsupported webhook authorizer version ${quote(version)}, supported versions are "v1", "v1beta1"`,
  ];
}

/** Whether everybody may do everything by `--authorization-mode`: then nobody is anonymous. */
export function allowsAll(values: Values): boolean {
  const modes = values['authorization-mode'];
  return values['authorization-config'] === '' && (modes.length === 0 || modes.includes('AlwaysAllow'));
}

/** @throws Error where a file cannot be read or used */
export function authorizationOptions(values: Values, files: WatchedFiles, logger: Logger): AuthorizationOptions {
  const path = values['authorization-config'];
  if (path === '') {
    const configuration = configurationOfFlags(values);
    checkWebhooks(configuration);
    return { configuration, ...policiesFor(configuration, values, logger) };
  }
  const file = { ...files.read([path], (text) => text), problemOf };
  const configuration = authorizationConfiguration({ text: file.get(), problemOf });
  checkWebhooks(configuration);
  return { configuration, file, ...policiesFor(configuration, values, logger) };
}

/** @throws KubeconfigError, or the error of the file system, for a webhook that cannot be asked */
function checkWebhooks(configuration: AuthorizationConfiguration): void {
  for (const { webhook } of configuration)
    if (webhook) KubeconfigWebhook.open(webhook.kubeConfigFile, { clock: systemClock }).close();
}

function configurationOfFlags(values: Values): AuthorizationConfiguration {
  const modes = values['authorization-mode'].length === 0 ? ['AlwaysAllow'] : values['authorization-mode'];
  return configurationOfModes(modes as AuthorizationMode[], {
    authorizedTtlMs: values['authorization-webhook-cache-authorized-ttl'],
    unauthorizedTtlMs: values['authorization-webhook-cache-unauthorized-ttl'],
    version: VERSIONS.find((known) => known === values['authorization-webhook-version']) ?? 'v1beta1',
    kubeConfigFile: values['authorization-webhook-config-file'],
  });
}

function policiesFor(
  configuration: AuthorizationConfiguration,
  values: Values,
  logger: Logger,
): Pick<AuthorizationOptions, 'policies'> {
  const path = values['authorization-policy-file'];
  if (!configuration.some(({ type }) => type === 'ABAC')) return {};
  if (path === '') throw new Error("authorization-mode ABAC's authorization policy file not passed");
  const onUnversioned = () => logger.warn({ path }, 'the policy file contains rules without a version');
  return { policies: parsePolicyFile(readFileSync(path, 'utf8'), path, onUnversioned) };
}

function problemOf(path: string): string | undefined {
  try {
    return statSync(path).isFile() ? undefined : 'must be a regular file';
  } catch {
    return `error loading file: stat ${path}: no such file or directory`;
  }
}
