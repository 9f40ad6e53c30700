import type { Clock } from '@keelson/api/clock';
import type { TokenSource } from './client.ts';
import { ExecCredentials } from './exec.ts';
import type { ClusterConfig } from './kubeconfig.ts';
import { Reloading, TlsSource } from './tls.ts';

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
