/** From a token of one issuer to the user that its claims stand for (k8s.io/apiserver/plugin/pkg/authenticator/token/oidc). */
import type { Clock } from '@keelson/api/clock';
import { quote } from '@keelson/api/field';
import type { Logger } from '@keelson/component/logs/logger';
import type { EgressName, EgressSelector } from '../../egress/index.ts';
import type { UserInfo } from '../../registry/strategy.ts';
import { CREDENTIAL_ID } from '../authenticator.ts';
import type { JwtConfig } from './configuration.ts';
import { DistributedClaim } from './distributed.ts';
import {
  type AuthenticationExpression,
  claimsOf,
  compileClaims,
  compileUser,
  evaluate,
  stringsOf,
  userOf,
} from './expressions.ts';
import { IssuerClient } from './issuer-client.ts';
import type { JwtMetrics } from './metrics.ts';
import { Provider } from './provider.ts';
import { type Claims, claimedIssuer } from './verifier.ts';

export interface JwtWorld {
  readonly clock: Clock;
  readonly now: () => Date;
  readonly logger: Logger;
  readonly metrics: JwtMetrics;
  /** Through which issuers are asked that say so. */
  readonly egress?: EgressSelector | undefined;
}

/** An expression, as it must be: one that has been validated. */
interface Rule {
  readonly expression: AuthenticationExpression;
  readonly message: string;
}

export class JwtAuthenticator {
  readonly #config: JwtConfig;
  readonly #world: JwtWorld;
  readonly #client: IssuerClient;
  readonly #provider: Provider;
  readonly #distributed: DistributedClaim | undefined;
  readonly #username: AuthenticationExpression | undefined;
  readonly #groups: AuthenticationExpression | undefined;
  readonly #uid: AuthenticationExpression | undefined;
  readonly #extra: readonly { readonly key: string; readonly expression: AuthenticationExpression }[];
  readonly #claimRules: readonly Rule[];
  readonly #userRules: readonly Rule[];

  constructor(config: JwtConfig, algorithms: readonly string[], world: JwtWorld) {
    const { issuer, claimMappings, claimValidationRules, userValidationRules } = config;
    this.#config = config;
    this.#world = world;
    const egress = issuer.egressSelectorType;
    const dial = egress === '' ? undefined : world.egress?.dialer(egress as EgressName);
    const client = new IssuerClient(issuer.certificateAuthority, dial);
    this.#client = client;
    const provider = (url: string, discoveryUrl: string, onKeysFetched: (text: string | undefined) => void) =>
      new Provider({
        ...world,
        issuer: url,
        audiences: issuer.audiences,
        algorithms,
        now: () => world.now().getTime(),
        client,
        discoveryUrl,
        onKeysFetched,
      });
    this.#provider = provider(issuer.url, issuer.discoveryURL, (text) => world.metrics.fetched(issuer.url, text));
    const { claim } = claimMappings.groups;
    this.#distributed =
      claim === ''
        ? undefined
        : new DistributedClaim({ claim, client, provider: (url) => provider(url, '', () => {}) });
    const compiled = (text: string) => (text === '' ? undefined : compileClaims(text));
    this.#username = compiled(claimMappings.username.expression);
    this.#groups = compiled(claimMappings.groups.expression);
    this.#uid = compiled(claimMappings.uid.expression);
    this.#extra = claimMappings.extra.map(({ key, valueExpression: text }) => ({
      key,
      expression: compileClaims(text),
    }));
    this.#claimRules = claimValidationRules
      .filter(({ expression }) => expression !== '')
      .map(({ expression, message }) => ({ expression: compileClaims(expression, true), message }));
    this.#userRules = userValidationRules.map(({ expression, message }) => ({
      expression: compileUser(expression),
      message,
    }));
  }

  get issuer(): string {
    return this.#config.issuer.url;
  }

  /** Resolves when tokens can be verified. */
  get ready(): Promise<void> {
    return this.#provider.ready;
  }

  /** Why they cannot be. */
  get error(): Error | undefined {
    const { error } = this.#provider;
    return error && new Error(`oidc: authenticator for issuer ${quote(this.issuer)} is not healthy: ${error.message}`);
  }

  /** Undefined for what is no token of this issuer. @throws Error */
  async authenticate(token: string): Promise<UserInfo | undefined> {
    if (claimedIssuer(token) !== this.issuer) return undefined;
    const timed = this.#world.metrics.authentication(this.issuer);
    try {
      const user = await this.#userOf(token);
      timed('success');
      return user;
    } catch (error) {
      timed('failure');
      throw error;
    }
  }

  close(): void {
    this.#provider.close();
    this.#distributed?.close();
    this.#client.close();
  }

  async #userOf(token: string): Promise<UserInfo> {
    const { verifier } = this.#provider;
    if (!verifier) throw new Error('oidc: authenticator not initialized');
    let claims = await verifier.verify(token).catch((error: Error) => {
      throw new Error(`oidc: verify token: ${error.message}`);
    });
    if (this.#distributed)
      claims = await this.#distributed.expand(claims).catch((error: Error) => {
        throw new Error(`oidc: could not expand distributed claims: ${error.message}`);
      });
    const user = {
      name: this.#nameOf(claims),
      groups: this.#groupsOf(claims),
      uid: this.#uidOf(claims),
      extra: this.#extraOf(claims),
    };
    this.#checkRequired(claims);
    told('error evaluating claim validation expression', () => check(this.#claimRules, claimsOf(claims)));
    told('error evaluating user info validation rule', () => check(this.#userRules, userOf(user)));
    return user;
  }

  #nameOf(claims: Claims): string {
    if (this.#username) {
      const expression = this.#username;
      const name = told('error evaluating username claim expression', () => {
        const value = evaluate(expression, claimsOf(claims));
        if (typeof value !== 'string') throw new Error('username claim expression must return a string');
        return value;
      });
      if (name === '') throw new Error('oidc: empty username via CEL expression is not allowed');
      return name;
    }
    const { claim, prefix = '' } = this.#config.claimMappings.username;
    const name = told(`parse username claims ${quote(claim)}`, () => text(claims, claim));
    if (claim === 'email' && Object.hasOwn(claims, 'email_verified')) {
      const isVerified = claims.email_verified ?? false;
      if (typeof isVerified !== 'boolean')
        throw new Error(`oidc: parse 'email_verified' claim: ${mismatch(isVerified, 'bool')}`);
      if (!isVerified) throw new Error('oidc: email not verified');
    }
    return `${prefix}${name}`;
  }

  #groupsOf(claims: Claims): string[] {
    const { claim, prefix = '' } = this.#config.claimMappings.groups;
    if (claim !== '' && Object.hasOwn(claims, claim)) {
      const groups = told(`parse groups claim ${quote(claim)}`, () => textOrTexts(claims[claim]));
      return groups.map((group) => `${prefix}${group}`);
    }
    const expression = this.#groups;
    if (!expression) return [];
    return told('error evaluating group claim expression', () => stringsOf(evaluate(expression, claimsOf(claims))));
  }

  #uidOf(claims: Claims): string {
    const { claim } = this.#config.claimMappings.uid;
    if (claim !== '') return told(`parse uid claim ${quote(claim)}`, () => text(claims, claim));
    const expression = this.#uid;
    if (!expression) return '';
    return told('error evaluating uid claim expression', () => {
      const value = evaluate(expression, claimsOf(claims));
      if (typeof value !== 'string') throw new Error('uid claim expression must return a string');
      return value;
    });
  }

  #extraOf(claims: Claims): Record<string, string[]> {
    const extra: Record<string, string[]> = {};
    const { jti } = claims;
    if (typeof jti === 'string' && jti !== '') extra[CREDENTIAL_ID] = [`JTI=${jti}`];
    const values = this.#extra.map(({ expression }) => evaluate(expression, claimsOf(claims)));
    for (const [i, { key, expression }] of this.#extra.entries()) {
      const strings = told(`error evaluating extra claim expression: ${expression.text}`, () => stringsOf(values[i]!));
      if (strings.length > 0) extra[key] = strings;
    }
    return extra;
  }

  #checkRequired(claims: Claims): void {
    for (const { claim, requiredValue } of this.#config.claimValidationRules) {
      if (claim === '') continue;
      if (!Object.hasOwn(claims, claim)) throw new Error(`oidc: required claim ${claim} not present in ID token`);
      const value = told(`parse claim ${claim}`, () => text(claims, claim));
      if (value !== requiredValue)
        throw new Error(`oidc: required claim ${claim} value does not match. Got = ${value}, want = ${requiredValue}`);
    }
  }
}

function check(rules: readonly Rule[], activation: ReturnType<typeof claimsOf>): void {
  const values = rules.map(({ expression }) => evaluate(expression, activation));
  for (const [i, { expression, message }] of rules.entries()) {
    if (typeof values[i] !== 'boolean') throw new Error('validation expression must return a boolean');
    if (!values[i]) throw new Error(`validation expression '${expression.text}' failed: ${message}`);
  }
}

/** Runs it; what it throws is told with what was being done. */
function told<T>(what: string, run: () => T): T {
  try {
    return run();
  } catch (error) {
    throw new Error(`oidc: ${what}: ${(error as Error).message}`);
  }
}

/** @throws Error for a claim that is missing or no text */
function text(claims: Claims, name: string): string {
  if (!Object.hasOwn(claims, name)) throw new Error('claim not present');
  const value = claims[name] ?? '';
  if (typeof value !== 'string') throw new Error(mismatch(value, 'string'));
  return value;
}

/** Some issuers write one role as a text. */
function textOrTexts(value: unknown): string[] {
  if (value === null) return [];
  if (Array.isArray(value) && value.every((each) => typeof each === 'string' || each === null))
    return value.map((each: string | null) => each ?? '');
  if (typeof value !== 'string') throw new Error(mismatch(value, 'string'));
  return [value];
}

/** As Go's encoding/json says it. */
function mismatch(value: unknown, wanted: string): string {
  const kind = Array.isArray(value) ? 'array' : typeof value === 'boolean' ? 'bool' : typeof value;
  return `json: cannot unmarshal ${kind} into Go value of type ${wanted}`;
}
