import type { World } from '../world.ts';
import { Client, type ClientOptions } from './client.ts';
import { credentialsOf } from './credentials.ts';
import { Http2Transport } from './http2.ts';
import type { ClusterConfig } from './kubeconfig.ts';

export interface ConnectOptions extends Pick<ClientOptions, 'component' | 'rateLimit' | 'timeoutMs'> {
  readonly world: World;
  /** Instead of the configuration's. */
  readonly token?: ClientOptions['token'];
}

/** A client of the cluster over HTTP/2. Nothing is sent before the first call. */
export function connect(config: ClusterConfig, options: ConnectOptions): Client {
  const { clock } = options.world;
  const { tls, token } = credentialsOf(options.token ? { ...config, exec: undefined } : config, clock);
  return new Client({
    ...options,
    host: new URL(config.server).host,
    transport: new Http2Transport({ server: config.server, tls: () => tls.get(), clock, proxy: config.proxy }),
    token: options.token ?? token,
    authorization: config.basic,
    impersonate: config.impersonate,
    compression: config.compression,
  });
}
