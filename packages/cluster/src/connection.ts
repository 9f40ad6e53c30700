import { type ClusterConfig, inClusterConfig, KubeconfigError, loadKubeconfig } from '@keelson/client';
import { readFault } from './data-directory.ts';
import { StartupError } from './startup-error.ts';

/** The flags by which a component finds the API server. */
export interface ConnectionFlags {
  readonly kubeconfig: string;
  readonly 'kube-api-qps': number;
  readonly 'kube-api-burst': number;
}

/** Calls are held back only where the flags ask for it: fairness is the server's affair. */
export const rateLimitOf = (values: ConnectionFlags, given: ReadonlySet<string>) =>
  given.has('kube-api-qps') && values['kube-api-qps'] > 0
    ? { qps: values['kube-api-qps'], burst: values['kube-api-burst'] }
    : undefined;

/** @throws StartupError for a kubeconfig that is missing or of no use */
export async function readKubeconfig(file: string): Promise<ClusterConfig> {
  if (file === '') throw new StartupError('there is no API server to speak to', 'say where it is by --kubeconfig FILE');
  try {
    return await loadKubeconfig(file);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === undefined && !(error instanceof KubeconfigError)) throw error;
    const remedy = code === 'ENOENT' ? 'say by --kubeconfig FILE where the cluster is' : 'correct --kubeconfig';
    throw new StartupError(`cannot use ${file}: ${readFault(error)}`, remedy);
  }
}

/** The same server, asked by whoever holds a token. */
export function withToken(config: ClusterConfig): ClusterConfig {
  const { certificate, key, ...tls } = config.tls;
  return { ...config, tls, token: undefined, basic: undefined, exec: undefined, impersonate: undefined };
}

/** Whose credentials a component in a pod takes where no file says more: those of its service account. @throws StartupError */
export async function readKubeconfigOrPod(
  file: string,
  env: Readonly<Record<string, string | undefined>>,
): Promise<ClusterConfig> {
  if (file !== '' || !env.KUBERNETES_SERVICE_HOST) return readKubeconfig(file);
  return inClusterConfig(env);
}
