import { clusterInfoText } from '../cluster-info.ts';
import { splitToken } from '../configuration/init.ts';
import type { InstallContext, Phase } from '../phase.ts';
import { BOOTSTRAPPERS, bindClusterRole, grant, group, NODES, readConfigMap, user } from '../rbac.ts';
import { bootstrapSecret } from '../tokens.ts';

/** What lets machines join by a token (kubeadm/app/phases/bootstraptoken). */
export const bootstrapTokenPhase: Phase = {
  name: 'bootstrap-token',
  summary: 'Let machines join by a token',
  description:
    'Puts the bootstrap tokens into the cluster, lets whoever shows one ask for the certificate of a node, has those approved, and publishes where the cluster is and by which authority it is known.',
  async run(context) {
    const { configuration, report, skipTokenPrint, clock } = context;
    const api = await context.api();
    for (const token of configuration.init.bootstrapTokens) {
      await api.put('secrets', bootstrapSecret(token, clock.now()));
      const { id } = splitToken(token.token);
      report(`[bootstrap-token] wrote the token ${skipTokenPrint ? `${id}.…` : token.token}`);
    }
    await api.put('clusterroles.rbac.authorization.k8s.io', {
      metadata: { name: 'kubeadm:get-nodes' },
      rules: [{ apiGroups: [''], resources: ['nodes'], verbs: ['get'] }],
    });
    for (const [name, role, subject] of bindings) await bindClusterRole(api, name, role, subject);
    report('[bootstrap-token] who shows it may ask for the certificate of a node, and is given it');
    await publish(context);
  },
};

const requests = 'system:certificates.k8s.io:certificatesigningrequests';

const bindings = [
  ['kubeadm:get-nodes', 'kubeadm:get-nodes', group(BOOTSTRAPPERS)],
  ['kubeadm:kubelet-bootstrap', 'system:node-bootstrapper', group(BOOTSTRAPPERS)],
  ['kubeadm:node-autoapprove-bootstrap', `${requests}:nodeclient`, group(BOOTSTRAPPERS)],
  ['kubeadm:node-autoapprove-certificate-rotation', `${requests}:selfnodeclient`, group(NODES)],
  ['kubeadm:apiserver-kubelet-client', 'system:kubelet-api-admin', user('kube-apiserver-kubelet-client')],
] as const;

/** Everybody may read where the cluster is; that it is the right one, they know by the token. */
async function publish(context: InstallContext): Promise<void> {
  const api = await context.api();
  const [namespace, name] = ['kube-public', 'cluster-info'];
  const data = { kubeconfig: await clusterInfoText(context) };
  await api.put('configmaps', { metadata: { namespace, name }, data });
  await grant(api, { namespace, name: 'kubeadm:bootstrap-signer-clusterinfo' }, readConfigMap(name), [
    user('system:anonymous'),
  ]);
  context.report(`[bootstrap-token] wrote the config map ${namespace}/${name}`);
}
