/**
 * Through what the server's own connections go (apiserver/pkg/server/egressselector): to nodes, services and what they serve
 * (`cluster`), to webhooks and issuers beside the control plane (`controlplane`), to etcd.
 */
import { existsSync, readFileSync } from 'node:fs';
import { type ConnectionOptions, createSecureContext } from 'node:tls';
import { unbracketed } from '@keelson/component/go/net';
import type { MetricsRegistry } from '@keelson/component/metrics/registry';
import { trusting } from '@keelson/component/trust';
import { aggregate } from '../aggregate.ts';
import { openProblem } from '../configuration-file.ts';
import type { Dial } from '../connect/dial.ts';
import { type EgressSelection, readEgressConfiguration, type TcpConfiguration } from './configuration.ts';
import { type ConnectProxy, connectThrough } from './http-connect.ts';
import { KonnectivityMetrics } from './konnectivity/metrics.ts';
import { dialTunnel } from './konnectivity/tunnel.ts';
import { EgressMetrics } from './metrics.ts';
import { type EGRESS_NAMES, validateEgress } from './validation.ts';

export type EgressName = (typeof EGRESS_NAMES)[number];

export class EgressSelector {
  readonly #dialers = new Map<string, Dial>();
  readonly #names = new Set<string>();
  readonly #metrics: EgressMetrics;
  readonly #konnectivity = new KonnectivityMetrics();

  /**
   * @param path of an EgressSelectorConfiguration
   * @param now milliseconds of a clock that never goes backwards
   * @throws Error in upstream's words for a file that cannot be read or used
   */
  static open(path: string, now: () => number): EgressSelector {
    const selections = prefixed('failed to read egress selector config', () => readEgressConfiguration(readText(path)));
    prefixed('failed to validate egress selector configuration', () => {
      const errors = [...validateEgress(selections, existsSync)].map((error) => new Error(String(error)));
      const failure = aggregate(errors);
      if (failure) throw failure;
    });
    return prefixed('failed to setup egress selector', () => new EgressSelector(selections, now));
  }

  private constructor(selections: readonly EgressSelection[], now: () => number) {
    this.#metrics = new EgressMetrics(now);
    for (const selection of selections) {
      const name = selection.name.toLowerCase();
      this.#names.add(name);
      const dial = prefixed(`failed to create dialer for egressSelection "${name}"`, () => this.#dialer(selection));
      if (dial) this.#dialers.set(name, dial);
    }
  }

  /** @returns undefined: straight to the address */
  dialer(name: EgressName): Dial | undefined {
    return this.#dialers.get(name);
  }

  /** Whether the configuration says anything of it. */
  has(name: EgressName): boolean {
    return this.#names.has(name);
  }

  /** Once. */
  registerMetrics(registry: MetricsRegistry): void {
    this.#metrics.register(registry);
    this.#konnectivity.register(registry);
  }

  #dialer({ proxyProtocol, transport }: EgressSelection): Dial | undefined {
    const { tcp, uds } = transport ?? {};
    const metrics = this.#metrics;
    if (proxyProtocol === 'GRPC') {
      const path = uds!.udsName;
      return (to) => metrics.dialing('grpc', 'uds', (reached) => dialTunnel(path, to, this.#konnectivity, reached));
    }
    if (proxyProtocol !== 'HTTPConnect') return undefined;
    const proxy = tcp ? tcpProxy(tcp) : { address: uds!.udsName, at: { socketPath: uds!.udsName } };
    const kind = tcp ? 'tcp' : 'uds';
    return (to) => metrics.dialing('http_connect', kind, (reached) => connectThrough(proxy, to, reached));
  }
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw new Error(`unable to read egress selector configuration from "${path}" [${openProblem(error, path)}]`);
  }
}

function tcpProxy({ url, tlsConfig }: TcpConfiguration): ConnectProxy {
  const { protocol, hostname, port, host } = new URL(url);
  const isSecure = protocol === 'https:';
  const at = { host: unbracketed(hostname), port: Number(port) || (isSecure ? 443 : 80) };
  return { address: host, at, ...(tlsConfig ? { tls: tlsOf(tlsConfig) } : {}) };
}

/** Read once, as upstream does. */
function tlsOf({
  caBundle,
  clientCert,
  clientKey,
  tlsServerName,
}: NonNullable<TcpConfiguration['tlsConfig']>): ConnectionOptions {
  const pair = prefixed(
    `failed to read key pair ${clientCert} & ${clientKey}, got`,
    () => ({
      cert: readFileSync(clientCert),
      key: readFileSync(clientKey),
    }),
    ' ',
  );
  const ca =
    caBundle === ''
      ? undefined
      : prefixed(`failed to read cert file ${caBundle}, got`, () => readFileSync(caBundle), ' ');
  const secureContext = createSecureContext({ ...pair, ...trusting(ca) });
  return { secureContext, ...(tlsServerName === '' ? {} : { servername: tlsServerName }) };
}

/** What it throws is told after the prefix. */
function prefixed<T>(prefix: string, run: () => T, separator = ': '): T {
  try {
    return run();
  } catch (error) {
    throw new Error(`${prefix}${separator}${(error as Error).message}`, { cause: error });
  }
}
