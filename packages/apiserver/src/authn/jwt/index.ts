/** JSON Web Tokens of several issuers; which ones, a file may say that is read again when it changes. */
import { isDeepStrictEqual } from 'node:util';
import { forbidden, Path, quote } from '@keelson/api/field';
import type { MetricsRegistry } from '@keelson/component/metrics/registry';
import { aggregate } from '../../aggregate.ts';
import type { Reloadable } from '../../config.ts';
import { followFile, NotYet } from '../../configuration-file.ts';
import type { EgressName, EgressSelector } from '../../egress/index.ts';
import type { TokenAuthenticator } from '../authenticator.ts';
import { JwtAuthenticator, type JwtWorld } from './authenticator.ts';
import { type AuthenticationConfiguration, readAuthenticationConfiguration } from './configuration.ts';
import { JwtMetrics, type JwtMetricsWorld } from './metrics.ts';
import { validateAuthentication } from './validation.ts';

export interface JwtOptions {
  readonly configuration: AuthenticationConfiguration;
  /** With which tokens may be signed. */
  readonly algorithms: readonly string[];
  /** Where the configuration comes from, if from a file. */
  readonly file?: Reloadable<string>;
}

export interface JwtAuthenticatorsWorld extends Omit<JwtWorld, 'metrics'>, JwtMetricsWorld {
  readonly registry: MetricsRegistry;
  /** Issuers that are others' business: those of service accounts. */
  readonly disallowedIssuers: readonly string[];
}

export interface JwtAuthenticators {
  readonly authenticate: TokenAuthenticator;
  close(): void;
}

/** Requests that are being looked at finish with the issuers that they began with. */
const LINGER_MS = 60_000;
/** For how long new issuers may not answer. */
const READY_MS = 60_000;

/** @throws AggregateFailure with what is wrong with the configuration */
export function checkConfiguration(
  configuration: AuthenticationConfiguration,
  disallowedIssuers: readonly string[],
  before: AuthenticationConfiguration = configuration,
): void {
  const errors = validateAuthentication(configuration, disallowedIssuers);
  if (!isDeepStrictEqual(before.anonymous, configuration.anonymous))
    errors.push(forbidden(Path.of('anonymous'), 'changed from initial configuration file'));
  const failure = aggregate(errors.map((error) => new Error(String(error))));
  if (failure) throw failure;
}

/** @throws Error for an issuer that is to be asked through an egress selector which says nothing of how */
export function checkReachable({ jwt }: AuthenticationConfiguration, egress: EgressSelector | undefined): void {
  for (const { issuer } of jwt) {
    const type = issuer.egressSelectorType;
    if (type === '') continue;
    if (!egress) throw new Error(`oidc: egress lookup required with egress selector type ${quote(type)}`);
    if (!egress.has(type as EgressName)) throw new Error(`oidc: egress lookup for ${quote(type)} is not configured`);
  }
}

/** @param options of a configuration that has been checked */
export function jwtAuthenticators(options: JwtOptions, world: JwtAuthenticatorsWorld): JwtAuthenticators {
  const metrics = new JwtMetrics(world.registry, world);
  const made = ({ jwt }: AuthenticationConfiguration) =>
    jwt.map((config) => new JwtAuthenticator(config, options.algorithms, { ...world, metrics }));
  let current = made(options.configuration);
  const { file } = options;
  if (file)
    followFile({
      ...world,
      what: 'authentication',
      metrics: world.registry,
      file,
      load: async (text) => {
        const configuration = readAuthenticationConfiguration(text);
        checkConfiguration(configuration, world.disallowedIssuers, options.configuration);
        checkReachable(configuration, world.egress);
        const next = made(configuration);
        try {
          await allReady(next, world);
        } catch (error) {
          for (const one of next) one.close();
          throw error;
        }
        const before = current;
        current = next;
        world.clock.after(LINGER_MS, () => leave(before, current, metrics), { background: true });
      },
    });
  return {
    async authenticate(token) {
      for (const one of current) {
        const user = await one.authenticate(token);
        if (user) return { user };
      }
      return undefined;
    },
    close: () => {
      for (const one of current) one.close();
    },
  };
}

/** @throws NotYet where some do not answer in time */
async function allReady(all: readonly JwtAuthenticator[], { clock }: JwtAuthenticatorsWorld): Promise<void> {
  const late = Promise.withResolvers<void>();
  const cancel = clock.after(READY_MS, () => late.resolve(), { background: true });
  await Promise.race([Promise.all(all.map(({ ready }) => ready)), late.promise]);
  cancel();
  const failure = aggregate(all.flatMap(({ error }) => error ?? []));
  if (failure) throw new NotYet(failure.message);
}

function leave(gone: readonly JwtAuthenticator[], stay: readonly JwtAuthenticator[], metrics: JwtMetrics): void {
  for (const one of gone) {
    one.close();
    if (!stay.some(({ issuer }) => issuer === one.issuer)) metrics.forget(one.issuer);
  }
}
