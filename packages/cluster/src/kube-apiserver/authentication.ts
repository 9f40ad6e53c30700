import { readFileSync } from 'node:fs';
import { systemClock } from '@keelson/api/clock';
import {
  type AuthenticationConfiguration,
  type JwtConfig,
  readAuthenticationConfiguration,
} from '@keelson/apiserver/authn/jwt/configuration';
import { checkConfiguration, checkReachable } from '@keelson/apiserver/authn/jwt/index';
import { SIGNING_ALGORITHMS } from '@keelson/apiserver/authn/jwt/verifier';
import type { ServerConfig } from '@keelson/apiserver/config';
import type { Dial } from '@keelson/apiserver/connect/dial';
import type { EgressSelector } from '@keelson/apiserver/egress/index';
import { KubeconfigWebhook } from '@keelson/apiserver/webhook/kubeconfig';
import { quote } from '@keelson/component/go/strconv';
import { allowsAll } from './authorization.ts';
import type { Given, Values } from './flags.ts';
import type { WatchedFiles } from './reloadable.ts';

const OIDC_FLAGS = [
  'oidc-issuer-url',
  'oidc-client-id',
  'oidc-ca-file',
  'oidc-username-claim',
  'oidc-username-prefix',
  'oidc-groups-claim',
  'oidc-groups-prefix',
  'oidc-signing-algs',
  'oidc-required-claim',
] as const;
const WEBHOOK_VERSIONS = ['v1', 'v1beta1'] as const;

type Authentication = Pick<ServerConfig, 'jwt' | 'tokenWebhook' | 'anonymousAuth' | 'anonymousPaths'>;

/** What is wrong with the flags, in the words of kube-apiserver (pkg/kubeapiserver/options/authentication.go). */
export function jwtErrors(values: Values, given: Given): (string | false)[] {
  const hasOidc = OIDC_FLAGS.some((flag) => given.has(flag));
  const version = values['authentication-token-webhook-version'];
  const hasFile = values['authentication-config'] !== '';
  const unknown = values['oidc-signing-algs'].find((algorithm) => !SIGNING_ALGORITHMS.includes(algorithm));
  return [
    !hasFile &&
      hasOidc &&
      (values['oidc-issuer-url'] === '' || values['oidc-client-id'] === '') &&
      'oidc-issuer-url and oidc-client-id must be specified together when any oidc-* flags are set',
    hasFile && hasOidc && 'authentication-config file and oidc-* flags are mutually exclusive',
    hasFile &&
      given.has('anonymous-auth') &&
      declaresAnonymous(values['authentication-config']) &&
      'anonymous: Forbidden: --anonymous-auth flag cannot be set when anonymous field is configured in authentication configuration file',
    unknown !== undefined && `oidc: unsupported signing alg: ${quote(unknown)}`,
    values['authentication-token-webhook-config-file'] !== '' &&
      !WEBHOOK_VERSIONS.some((known) => known === version) &&
      `unsupported authentication webhook version ${quote(version)}, supported versions are "v1", "v1beta1"`,
  ];
}

/** What cannot be read is complained of later. */
function declaresAnonymous(path: string): boolean {
  try {
    return readAuthenticationConfiguration(readFileSync(path, 'utf8')).anonymous !== undefined;
  } catch {
    return false;
  }
}

/** @throws Error where a file cannot be read or used */
export function authenticationOptions(
  values: Values,
  files: WatchedFiles,
  egress: EgressSelector | undefined,
): Authentication {
  const jwt = jwtOptions(values, files);
  const { anonymous } = jwt?.configuration ?? {};
  if (jwt) {
    prefixed('invalid authentication configuration: ', () =>
      checkConfiguration(jwt.configuration, values['service-account-issuer']),
    );
    checkReachable(jwt.configuration, egress);
  }
  return {
    ...(jwt ? { jwt } : {}),
    anonymousAuth: anonymous ? anonymous.enabled : values['anonymous-auth'] && !allowsAll(values),
    ...(anonymous ? { anonymousPaths: anonymous.paths } : {}),
  };
}

function jwtOptions(values: Values, files: WatchedFiles): ServerConfig['jwt'] {
  const path = values['authentication-config'];
  if (path !== '') {
    const file = files.read([path], (text) => text);
    const configuration = prefixed(`failed to load authentication configuration from file ${quote(path)}: `, () =>
      readAuthenticationConfiguration(file.get()),
    );
    return { configuration, algorithms: SIGNING_ALGORITHMS, file };
  }
  if (values['oidc-issuer-url'] === '') return undefined;
  const configuration: AuthenticationConfiguration = { jwt: [jwtOfFlags(values)] };
  return { configuration, algorithms: values['oidc-signing-algs'] };
}

/** Runs it; what it throws is told after the prefix. */
function prefixed<T>(prefix: string, run: () => T): T {
  try {
    return run();
  } catch (error) {
    throw new Error(`${prefix}${(error as Error).message}`);
  }
}

/** The one issuer that the flags `--oidc-*` are about. */
function jwtOfFlags(values: Values): JwtConfig {
  const none = { claim: '', expression: '' };
  const url = values['oidc-issuer-url'];
  const caFile = values['oidc-ca-file'];
  const groups = values['oidc-groups-claim'];
  return {
    issuer: {
      url,
      discoveryURL: '',
      certificateAuthority: caFile === '' ? '' : readFileSync(caFile, 'utf8'),
      audiences: [values['oidc-client-id']],
      audienceMatchPolicy: '',
      egressSelectorType: '',
    },
    claimValidationRules: [...values['oidc-required-claim']].map(([claim, requiredValue]) => ({
      claim,
      requiredValue,
      expression: '',
      message: '',
    })),
    claimMappings: {
      username: { claim: values['oidc-username-claim'], expression: '', prefix: usernamePrefix(values) },
      groups:
        groups === ''
          ? { ...none, prefix: undefined }
          : { claim: groups, expression: '', prefix: values['oidc-groups-prefix'] },
      uid: none,
      extra: [],
    },
    userValidationRules: [],
  };
}

/** Other names than addresses are those of an issuer, unless `-` says that they are everybody's. */
function usernamePrefix(values: Values): string {
  const prefix = values['oidc-username-prefix'];
  if (prefix === '-') return '';
  return prefix === '' && values['oidc-username-claim'] !== 'email' ? `${values['oidc-issuer-url']}#` : prefix;
}

/** @throws KubeconfigError, or the error of the file system */
export function tokenWebhook(values: Values, dial: Dial | undefined): ServerConfig['tokenWebhook'] {
  const path = values['authentication-token-webhook-config-file'];
  if (path === '') return undefined;
  const version = values['authentication-token-webhook-version'];
  return {
    webhook: KubeconfigWebhook.open(path, { clock: systemClock, dial }),
    version: WEBHOOK_VERSIONS.find((known) => known === version) ?? 'v1beta1',
    cacheTtlMs: values['authentication-token-webhook-cache-ttl'],
  };
}
