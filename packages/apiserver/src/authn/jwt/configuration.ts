/**
 * `--authentication-config`: whose JSON Web Tokens are accepted and what their claims mean, and where anonymous requests
 * are (k8s.io/apiserver/pkg/apis/apiserver/v1 AuthenticationConfiguration).
 */
import { ConfigFileError, type ConfigObject } from '@keelson/component/configfile';
import { openConfiguration } from '../../configuration-file.ts';

export interface IssuerConfig {
  /** What tokens name in `iss`. */
  readonly url: string;
  /** Where its discovery document is, if not below `url`. */
  readonly discoveryURL: string;
  /** PEM; empty: the system's. */
  readonly certificateAuthority: string;
  /** A token must be meant for one of them. */
  readonly audiences: readonly string[];
  readonly audienceMatchPolicy: string;
  readonly egressSelectorType: string;
}

/** A claim, or an expression over all claims; `{claim: '', expression: ''}` where there is none. */
export interface ClaimOrExpression {
  readonly claim: string;
  readonly expression: string;
}

export interface PrefixedClaimOrExpression extends ClaimOrExpression {
  readonly prefix: string | undefined;
}

export interface ClaimValidationRule extends ClaimOrExpression {
  readonly requiredValue: string;
  readonly message: string;
}

export interface UserValidationRule {
  readonly expression: string;
  readonly message: string;
}

export interface ExtraMapping {
  readonly key: string;
  readonly valueExpression: string;
}

export interface JwtConfig {
  readonly issuer: IssuerConfig;
  readonly claimValidationRules: readonly ClaimValidationRule[];
  readonly claimMappings: {
    readonly username: PrefixedClaimOrExpression;
    readonly groups: PrefixedClaimOrExpression;
    readonly uid: ClaimOrExpression;
    readonly extra: readonly ExtraMapping[];
  };
  readonly userValidationRules: readonly UserValidationRule[];
}

export interface AnonymousConfig {
  readonly enabled: boolean;
  /** Where; empty: everywhere. */
  readonly paths: readonly string[];
}

export interface AuthenticationConfiguration {
  readonly jwt: readonly JwtConfig[];
  readonly anonymous?: AnonymousConfig;
}

/** The file as it is; `validation.ts` says whether it can be used. @throws ConfigFileError */
export function readAuthenticationConfiguration(text: string): AuthenticationConfiguration {
  if (text === '') throw new ConfigFileError('empty config data');
  return openConfiguration(text, 'AuthenticationConfiguration', (root) => {
    const jwt = root.objects('jwt').map(readJwt);
    const hasAnonymous = (root.raw('anonymous') ?? undefined) !== undefined;
    const anonymous = hasAnonymous ? readAnonymous(root.object('anonymous')) : undefined;
    root.expectNothingElse();
    return { jwt, ...(anonymous ? { anonymous } : {}) };
  });
}

function readAnonymous(config: ConfigObject): AnonymousConfig {
  const conditions = config.objects('conditions');
  const anonymous = {
    enabled: config.boolean('enabled'),
    paths: conditions.map((condition) => condition.string('path')),
  };
  for (const object of [...conditions, config]) object.expectNothingElse();
  return anonymous;
}

function readJwt(config: ConfigObject): JwtConfig {
  const mappings = config.object('claimMappings');
  const jwt = {
    issuer: readIssuer(config.object('issuer')),
    claimValidationRules: config
      .objects('claimValidationRules')
      .map((rule) => strings(rule, 'claim', 'requiredValue', 'expression', 'message')),
    claimMappings: {
      username: prefixed(mappings.object('username')),
      groups: prefixed(mappings.object('groups')),
      uid: strings(mappings.object('uid'), 'claim', 'expression'),
      extra: mappings.objects('extra').map((extra) => strings(extra, 'key', 'valueExpression')),
    },
    userValidationRules: config.objects('userValidationRules').map((rule) => strings(rule, 'expression', 'message')),
  };
  for (const object of [mappings, config]) object.expectNothingElse();
  return jwt;
}

function readIssuer(config: ConfigObject): IssuerConfig {
  const audiences = config.strings('audiences');
  const names = ['url', 'discoveryURL', 'certificateAuthority', 'audienceMatchPolicy', 'egressSelectorType'] as const;
  return { ...strings(config, ...names), audiences };
}

function prefixed(config: ConfigObject): PrefixedClaimOrExpression {
  const hasPrefix = (config.raw('prefix') ?? undefined) !== undefined;
  const prefix = hasPrefix ? config.string('prefix') : undefined;
  return { ...strings(config, 'claim', 'expression'), prefix };
}

/** An object of nothing else but these, each empty where it is left out. */
function strings<N extends string>(config: ConfigObject, ...names: readonly N[]): Record<N, string> {
  const fields = Object.fromEntries(names.map((name) => [name, config.string(name)])) as Record<N, string>;
  config.expectNothingElse();
  return fields;
}
