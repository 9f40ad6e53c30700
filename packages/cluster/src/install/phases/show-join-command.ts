import { readAuthority } from '../certificates.ts';
import { authorityHash } from '../cluster-info.ts';
import { controlPlaneUrl } from '../configuration/endpoints.ts';
import { joinCommand } from '../join-command.ts';
import { KUBECONFIG_FILES } from '../layout.ts';
import type { Phase } from '../phase.ts';

export const showJoinCommandPhase: Phase = {
  name: 'show-join-command',
  summary: 'Show how to use the cluster, and how other machines join it',
  async run({ files, layout, configuration, report, skipTokenPrint, systemd, upload }) {
    const { cluster, init } = configuration;
    const { certificate } = await readAuthority(files, cluster, 'ca');
    const [token] = init.bootstrapTokens;
    const command = {
      endpoint: new URL(controlPlaneUrl(cluster, init.localApiEndpoint)).host,
      token: token === undefined || skipTokenPrint ? 'TOKEN' : token.token,
      caHashes: [authorityHash(certificate)],
    };
    report('');
    report('The control plane runs. Use it by:');
    report(`  export KUBECONFIG=${layout.local(KUBECONFIG_FILES.admin)}`);
    if (cluster.controlPlaneEndpoint !== '') {
      const certificateKey = upload?.skipPrint ? 'KEY' : upload?.key;
      report(
        upload
          ? 'Other machines join the control plane within two hours by (the key is a secret):'
          : "Other machines join the control plane, after 'keelson init phase upload-certs --upload-certs' with its key by --certificate-key, or with the authorities copied, by:",
      );
      report(`  ${joinCommand({ ...command, controlPlane: { certificateKey, systemd } })}`);
    }
    report('Other machines join it by:');
    report(`  ${joinCommand(command)}`);
  },
};
