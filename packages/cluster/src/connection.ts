import { readFile } from 'node:fs/promises';
import { type ClusterConfig, hasReason, inClusterConfig, KubeconfigError, loadKubeconfig } from '@keelson/client';
import { readFault } from './data-directory.ts';
import { inspect } from './pki/inspect.ts';
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

/** By what a command asks the API server. */
export interface Access {
  /** The kubeconfig, and what it says. */
  readonly file: string;
  readonly config: ClusterConfig;
  /** Who may do what is asked for: `an administrator`. */
  readonly who: string;
}

/**
 * Why somebody with a kubeconfig is not served, with what to do about it.
 * @param error what a call failed by @param now milliseconds since the epoch
 */
export async function refusal(error: unknown, { file, config, who }: Access, now: number): Promise<StartupError> {
  const { message, cause = error } = error as Error;
  const { code = '' } = cause as NodeJS.ErrnoException;
  if (hasReason(error, 'Unauthorized')) {
    const ended = await endOfCertificate(config).catch(() => undefined);
    return ended !== undefined && ended.getTime() < now
      ? new StartupError(
          `the certificate in ${file} ended at ${ended.toISOString()}`,
          "take a newer kubeconfig: 'keelson certs renew admin.conf', or a start of keelson up, makes one",
        )
      : new StartupError(
          `${config.server} does not know who ${file} says: ${message}`,
          'take the kubeconfig that was made with this cluster',
        );
  }
  if (/CERT|SELF_SIGNED|ISSUER|LEAF_SIGNATURE/.test(code))
    return new StartupError(
      `${config.server} is not who ${file} says: ${message}`,
      'take the kubeconfig that was made with this cluster',
    );
  if (['ECONNREFUSED', 'EHOSTUNREACH', 'ENETUNREACH', 'ETIMEDOUT', 'ENOTFOUND'].includes(code))
    return new StartupError(
      `nobody answers at ${config.server}, which ${file} names: ${message}`,
      'start the cluster, or give another --kubeconfig',
    );
  return new StartupError(message, `see that ${file} is of ${who}, and that the cluster runs`);
}

/** @returns undefined where there is no certificate */
async function endOfCertificate({ tls: { certificate } }: ClusterConfig): Promise<Date | undefined> {
  if (certificate === undefined) return undefined;
  return inspect('text' in certificate ? certificate.text : await readFile(certificate.file, 'utf8')).notAfter;
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
