/** Service accounts of addons, and the tokens of those that run outside of pods. */
import { sleep } from '@keelson/client';
import { StartupError } from '../../startup-error.ts';
import type { ClusterApi } from '../api.ts';
import type { InstallContext } from '../phase.ts';

const NAMESPACE = 'kube-system';
const POLL_MS = 200;

/** The secret with the token of an account that is no pod's. */
export const tokenSecretName = (account: string) => `${account}-token`;

/**
 * Has a secret hold a token of an account for as long as it is there: who takes the secret away ends the token.
 * @returns the token; undefined in a dry run
 * @throws StartupError where the controller manager does not make one
 */
export async function accountToken(context: InstallContext, account: string): Promise<string | undefined> {
  const api = await context.api();
  const ref = { namespace: NAMESPACE, name: tokenSecretName(account) };
  const annotations = { 'kubernetes.io/service-account.name': account };
  await api.put('secrets', { metadata: { ...ref, annotations }, type: 'kubernetes.io/service-account-token' });
  if (context.dryRun) return undefined;
  const until = context.clock.now() + context.configuration.init.timeouts.kubernetesAPICall;
  for (;;) {
    const secret = await api.get('secrets', ref);
    const token = secret?.data?.token;
    if (token) return Buffer.from(token, 'base64').toString();
    if (context.clock.now() >= until)
      throw new StartupError(
        `the secret ${NAMESPACE}/${ref.name} has no token`,
        'see that the controller manager runs serviceaccount-token-controller',
      );
    await sleep(context.clock, POLL_MS);
  }
}

export type Workload = 'daemonsets.apps' | 'deployments.apps';

/** An addon is run by pods or by units, in all of a cluster. @throws StartupError where it is run in the other way already */
export async function refuseOther(
  api: ClusterApi,
  systemd: boolean,
  workload: Workload,
  { name, account, phase }: { readonly name: string; readonly account: string; readonly phase: string },
): Promise<void> {
  const other = systemd
    ? ([workload, name, 'the cluster runs it in pods'] as const)
    : (['secrets', tokenSecretName(account), 'machines run it by units'] as const);
  const [resource, object, who] = other;
  if ((await api.get(resource, { namespace: NAMESPACE, name: object })) === undefined) return;
  throw new StartupError(
    `${resource} ${NAMESPACE}/${object} is there: ${who}`,
    `delete it, or give --skip-phases ${phase}`,
  );
}
