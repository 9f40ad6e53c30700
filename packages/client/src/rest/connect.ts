import type { Clock } from '@keelson/api/clock';
import type { World } from '../world.ts';
import { Client, type ClientOptions, type TokenSource } from './client.ts';
import { ExecCredentials } from './exec.ts';
import { Http2Transport } from './http2.ts';
import type { ClusterConfig } from './kubeconfig.ts';
import { Reloading, TlsSource } from './tls.ts';

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

export interface CredentialSources {
  readonly tls: TlsSource;
  /** Undefined for a user without tokens. */
  readonly token: TokenSource | undefined;
}

/** Where the user's certificates and tokens come from: its program is asked where the kubeconfig itself has nothing, as in client-go. */
export function credentialsOf({ tls, token, basic, exec }: ClusterConfig, clock: Clock): CredentialSources {
  const program = exec && !token && !basic && !tls.certificate ? new ExecCredentials(exec, clock) : undefined;
  return { tls: new TlsSource(tls, clock, program), token: token ? new Reloading(token, clock) : program };
}
