/** What is wrong with an AuthenticationConfiguration, in upstream's words (k8s.io/apiserver/pkg/apis/apiserver/validation). */
import { X509Certificate } from 'node:crypto';
import * as field from '@keelson/api/field';
import { isDomainPrefixedPath } from '@keelson/api/validation/domains';
import { parseUrl, UrlProblem } from '../../registry/validation/url.ts';
import type {
  AuthenticationConfiguration,
  ClaimOrExpression,
  ClaimValidationRule,
  ExtraMapping,
  IssuerConfig,
  JwtConfig,
  PrefixedClaimOrExpression,
  UserValidationRule,
} from './configuration.ts';
import { type AuthenticationExpression, compileClaims, compileUser, usesClaim } from './expressions.ts';

const MAX_ISSUERS = 64;
const BOTH = "claim and expression can't both be set";
const EITHER = 'claim or expression is required';

/** @param disallowed issuers that tokens of others may not name: those of service accounts */
export function validateAuthentication(
  { jwt, anonymous }: AuthenticationConfiguration,
  disallowed: readonly string[],
): field.ErrorList {
  const root = field.Path.of('jwt');
  if (jwt.length > MAX_ISSUERS) return [field.tooMany(root, jwt.length, MAX_ISSUERS)];
  const issuers = new Set<string>();
  const discoveryUrls = new Set<string>();
  const errors = jwt.flatMap((config, i) => {
    const path = root.index(i);
    const { url, discoveryURL } = config.issuer;
    return [
      ...jwtErrors(config, path, disallowed),
      ...repeated(url, issuers, path.child('issuer', 'url')),
      ...(discoveryURL === '' ? [] : repeated(discoveryURL, discoveryUrls, path.child('issuer', 'discoveryURL'))),
    ];
  });
  if (!anonymous || anonymous.enabled || anonymous.paths.length === 0) return errors;
  const shown = anonymous.paths.map((path) => ({ Path: path }));
  const why = 'enabled should be set to true when conditions are defined';
  return [...errors, field.invalid(field.Path.of('anonymous', 'conditions'), shown, why)];
}

/** Remembers the value. */
function repeated(value: string, seen: Set<string>, path: field.Path): field.ErrorList {
  if (seen.has(value)) return [field.duplicate(path, value)];
  seen.add(value);
  return [];
}

function jwtErrors(config: JwtConfig, path: field.Path, disallowed: readonly string[]): field.ErrorList {
  const { issuer, claimValidationRules, claimMappings, userValidationRules } = config;
  const { username, groups, uid, extra } = claimMappings;
  const mappings = path.child('claimMappings');
  return [
    ...issuerErrors(issuer, path.child('issuer'), disallowed),
    ...claimRuleErrors(claimValidationRules, path.child('claimValidationRules')),
    ...prefixedErrors(username, mappings.child('username'), true),
    ...prefixedErrors(groups, mappings.child('groups'), false),
    ...uidErrors(uid, mappings.child('uid')),
    ...extraErrors(extra, mappings.child('extra')),
    ...emailErrors(config, mappings.child('username', 'expression')),
    ...userRuleErrors(userValidationRules, path.child('userValidationRules')),
  ];
}

function issuerErrors(issuer: IssuerConfig, path: field.Path, disallowed: readonly string[]): field.ErrorList {
  const { url, discoveryURL, certificateAuthority, egressSelectorType } = issuer;
  const at = path.child('discoveryURL');
  const isSame = url !== '' && url.replace(/\/+$/, '') === discoveryURL.replace(/\/+$/, '');
  return [
    ...(url === '' ? [field.required(path.child('url'), '')] : urlErrors(url, path.child('url'), disallowed)),
    ...(discoveryURL === ''
      ? []
      : [
          ...(isSame ? [field.invalid(at, discoveryURL, 'discoveryURL must be different from URL')] : []),
          ...urlErrors(discoveryURL, at, []),
        ]),
    ...audienceErrors(issuer, path),
    ...(certificateAuthority === '' || hasCertificate(certificateAuthority)
      ? []
      : [
          field.invalid(
            path.child('certificateAuthority'),
            '<omitted>',
            'data does not contain any valid RSA or ECDSA certificates',
          ),
        ]),
    ...(['', 'controlplane', 'cluster'].includes(egressSelectorType)
      ? []
      : [
          field.invalid(
            path.child('egressSelectorType'),
            egressSelectorType,
            'egress selector must be either controlplane or cluster',
          ),
        ]),
  ];
}

function hasCertificate(pem: string): boolean {
  try {
    return new X509Certificate(pem) !== undefined;
  } catch {
    return false;
  }
}

function urlErrors(url: string, path: field.Path, disallowed: readonly string[]): field.ErrorList {
  const overlap = disallowed.includes(url)
    ? [field.invalid(path, url, `URL must not overlap with disallowed issuers: [${[...disallowed].sort().join(' ')}]`)]
    : [];
  try {
    const { scheme, user, query, fragment } = parseUrl(url);
    const problems = [
      scheme !== 'https' && 'URL scheme must be https',
      user !== undefined && 'URL must not contain a username or password',
      query !== '' && 'URL must not contain a query',
      fragment !== '' && 'URL must not contain a fragment',
    ].filter((problem) => problem !== false);
    return [...overlap, ...problems.map((problem) => field.invalid(path, url, problem))];
  } catch (error) {
    if (!(error instanceof UrlProblem)) throw error;
    return [...overlap, field.invalid(path, url, error.message)];
  }
}

function audienceErrors({ audiences, audienceMatchPolicy: policy }: IssuerConfig, path: field.Path): field.ErrorList {
  const at = path.child('audiences');
  if (audiences.length === 0) return [field.required(at, `at least one ${at} is required`)];
  const seen = new Set<string>();
  const errors = audiences.flatMap((audience, i) => [
    ...(audience === '' ? [field.required(at.index(i), '')] : []),
    ...repeated(audience, seen, at.index(i)),
  ]);
  const isFine = policy === 'MatchAny' || (policy === '' && audiences.length === 1);
  if (isFine) return errors;
  const why =
    audiences.length > 1
      ? 'audienceMatchPolicy must be MatchAny for multiple audiences'
      : 'audienceMatchPolicy must be empty or MatchAny for single audience';
  return [...errors, field.invalid(path.child('audienceMatchPolicy'), policy, why)];
}

function claimRuleErrors(rules: readonly ClaimValidationRule[], path: field.Path): field.ErrorList {
  const [claims, expressions] = [new Set<string>(), new Set<string>()];
  return rules.flatMap(({ claim, requiredValue, expression, message }, i) => {
    const at = path.index(i);
    if (claim !== '' && expression !== '') return [field.invalid(at, claim, BOTH)];
    if (claim === '' && expression === '') return [field.required(at, EITHER)];
    if (claim !== '')
      return [
        ...(message === ''
          ? []
          : [field.invalid(at.child('message'), message, 'may not be specified when claim is set')]),
        ...repeated(claim, claims, at.child('claim')),
      ];
    const why = 'may not be specified when expression is set';
    const values = requiredValue === '' ? [] : [field.invalid(at.child('requiredValue'), requiredValue, why)];
    const again = repeated(expression, expressions, at.child('expression'));
    if (again.length > 0) return [...values, ...again];
    return [...values, ...expressionErrors(compileClaims(expression, true), at.child('expression'))];
  });
}

function prefixedErrors(
  { claim, expression, prefix }: PrefixedClaimOrExpression,
  path: field.Path,
  isRequired: boolean,
): field.ErrorList {
  if (expression !== '' && claim !== '') return [field.invalid(path, '', BOTH)];
  if (expression !== '')
    return [
      ...(prefix === undefined
        ? []
        : [field.invalid(path.child('prefix'), prefix, 'may not be specified when expression is set')]),
      ...expressionErrors(compileClaims(expression), path.child('expression')),
    ];
  if (claim === '') return isRequired ? [field.required(path, EITHER)] : [];
  const why = 'prefix is required when claim is set. It can be set to an empty string to disable prefixing';
  return prefix === undefined ? [field.required(path.child('prefix'), why)] : [];
}

function uidErrors({ claim, expression }: ClaimOrExpression, path: field.Path): field.ErrorList {
  if (expression === '') return [];
  if (claim !== '') return [field.invalid(path, '', BOTH)];
  return expressionErrors(compileClaims(expression), path.child('expression'));
}

const RESERVED = /^(?:.*\.)?(?:kubernetes|k8s)\.io\//;

function extraErrors(mappings: readonly ExtraMapping[], path: field.Path): field.ErrorList {
  const seen = new Set<string>();
  return mappings.flatMap(({ key, valueExpression }, i) => {
    const at = path.index(i).child('key');
    const reserved = 'k8s.io, kubernetes.io and their subdomains are reserved for Kubernetes use';
    const errors = [
      ...isDomainPrefixedPath(at, key),
      ...(key === key.toLowerCase() ? [] : [field.invalid(at, key, 'must be lowercase')]),
      ...(RESERVED.test(key) ? [field.invalid(at, key, reserved)] : []),
    ];
    const again = repeated(key, seen, at);
    if (again.length > 0) return [...errors, ...again];
    const value = path.index(i).child('valueExpression');
    if (valueExpression === '') return [...errors, field.required(value, '')];
    return [...errors, ...expressionErrors(compileClaims(valueExpression), value)];
  });
}

/** Who takes the name from an address must look whether it has been verified. */
function emailErrors({ claimMappings, claimValidationRules }: JwtConfig, path: field.Path): field.ErrorList {
  const { expression } = claimMappings.username;
  if (expression === '' || !usesClaim(expression, 'email')) return [];
  const texts = [
    expression,
    ...claimMappings.extra.map(({ valueExpression }) => valueExpression),
    ...claimValidationRules.map((rule) => rule.expression),
  ];
  if (texts.some((text) => usesClaim(text, 'email_verified'))) return [];
  const why =
    'claims.email_verified must be used in claimMappings.username.expression or claimMappings.extra[*].valueExpression or claimValidationRules[*].expression when claims.email is used in claimMappings.username.expression';
  return [field.invalid(path, expression, why)];
}

function userRuleErrors(rules: readonly UserValidationRule[], path: field.Path): field.ErrorList {
  const seen = new Set<string>();
  return rules.flatMap(({ expression }, i) => {
    const at = path.index(i).child('expression');
    if (expression === '') return [field.required(at, '')];
    const again = repeated(expression, seen, at);
    return again.length > 0 ? again : expressionErrors(compileUser(expression), at);
  });
}

function expressionErrors({ text, problem }: AuthenticationExpression, path: field.Path): field.ErrorList {
  if (!problem) return [];
  return [
    problem.type === 'internal' ? field.internal(path, problem.detail) : field.invalid(path, text, problem.detail),
  ];
}
