import { dirname } from 'node:path';
import { parseKubeconfig } from '@keelson/client';
import { extraArgument } from '../command-lines.ts';
import { kubeconfigText } from '../kubeconfigs.ts';
import { KUBECONFIG_FILES, KUBELET_DIR } from '../layout.ts';
import type { Phase } from '../phase.ts';

/** Once the kubelet renews its certificate by itself, kubelet.conf names the file that it keeps it in. */
export const kubeletFinalizePhase: Phase = {
  name: 'kubelet-finalize',
  summary: 'Have kubelet.conf name the certificate that the kubelet renews by itself',
  phases: [
    {
      name: 'enable-client-cert-rotation',
      summary: 'Do so once the kubelet has such a certificate',
      async run({ files, layout, configuration, services, report }) {
        const { name, kubeletExtraArgs } = configuration.init.nodeRegistration;
        const folder = extraArgument(kubeletExtraArgs, 'cert-dir') ?? `${KUBELET_DIR}/pki`;
        const file = `${folder}/kubelet-client-current.pem`;
        const path = KUBECONFIG_FILES.kubelet;
        const text = await files.read(path);
        if (text === undefined || !(await files.exists(file)) || text.includes(layout.host(file))) return;
        const { server, tls } = parseKubeconfig(text, dirname(path));
        if (!tls.ca || !('text' in tls.ca)) return;
        await files.write(
          path,
          kubeconfigText({
            clusterName: configuration.cluster.clusterName,
            server,
            certificateAuthority: tls.ca.text,
            user: `system:node:${name}`,
            credentials: { file: layout.host(file) },
          }),
        );
        report(`[kubelet-finalize] wrote ${layout.local(path)}: it names ${layout.host(file)}`);
        await services?.start('kubelet.service');
      },
    },
  ],
};
