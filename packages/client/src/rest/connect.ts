import type { Clock } from '@keelson/api/clock';
import type { World } from '../world.ts';
import { Client, type ClientOptions, type TokenSource } from './client.ts';
import { ExecTokens } from './exec.ts';
import { Http2Transport } from './http2.ts';
import { type ClusterConfig, KubeconfigError } from './kubeconfig.ts';
import { Reloading, TlsSource } from './tls.ts';

export interface ConnectOptions extends Pick<ClientOptions, 'component' | 'rateLimit' | 'timeoutMs'> {
  readonly world: World;
  /** Instead of the configuration's. */
  readonly token?: ClientOptions['token'];
}

/**
 * A client of the cluster over HTTP/2. Nothing is sent before the first call.
 * @throws KubeconfigError for a server behind a proxy
 */
export function connect(config: ClusterConfig, options: ConnectOptions): Client {
  if (config.proxy) throw new KubeconfigError('proxy-url is not supported');
  const { clock } = options.world;
  const tls = new TlsSource(config.tls, clock);
  return new Client({
    ...options,
    host: new URL(config.server).host,
    transport: new Http2Transport({ server: config.server, tls: () => tls.get(), clock }),
    token: options.token ?? tokensOf(config, clock),
    authorization: config.basic,
    impersonate: config.impersonate,
    compression: config.compression,
  });
}

/** Where the tokens of the user come from, if it has any. */
export function tokensOf({ token, exec }: ClusterConfig, clock: Clock): TokenSource | undefined {
  if (token) return new Reloading(token, clock);
  return exec && new ExecTokens(exec, clock);
}
