import { readAuthority } from '../certificates.ts';
import { authorityHash } from '../cluster-info.ts';
import { controlPlaneUrl } from '../configuration/endpoints.ts';
import { KUBECONFIG_FILES } from '../layout.ts';
import type { Phase } from '../phase.ts';

export const showJoinCommandPhase: Phase = {
  name: 'show-join-command',
  summary: 'Show how to use the cluster, and how other machines join it',
  async run({ files, layout, configuration, report, skipTokenPrint }) {
    const { cluster, init } = configuration;
    const { certificate } = await readAuthority(files, cluster, 'ca');
    const endpoint = new URL(controlPlaneUrl(cluster, init.localApiEndpoint)).host;
    const [token] = init.bootstrapTokens;
    const shown = token === undefined || skipTokenPrint ? 'TOKEN' : token.token;
    report('');
    report('The control plane runs. Use it by:');
    report(`  export KUBECONFIG=${layout.local(KUBECONFIG_FILES.admin)}`);
    report('Other machines join it by:');
    report(`  keelson join ${endpoint} --token ${shown} --discovery-token-ca-cert-hash ${authorityHash(certificate)}`);
  },
};
