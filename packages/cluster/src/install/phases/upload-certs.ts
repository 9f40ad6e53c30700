import type { Phase } from '../phase.ts';
import { CERTS_SECRET, uploadCertificates } from '../shared-certificates.ts';

const where = `${CERTS_SECRET.namespace}/${CERTS_SECRET.name}`;

/** Keeps the authorities in the cluster, so that machines can join its control plane (kubeadm/app/cmd/phases/init/uploadcerts.go). */
export const uploadCertsPhase: Phase = {
  name: 'upload-certs',
  summary: `Keep the authorities in the secret ${where}, for machines that join the control plane`,
  description: `Keeps the authorities and the keys of service accounts for two hours in the secret ${where}, encrypted by a certificate key. Does nothing without --upload-certs.`,
  async run(context) {
    const { configuration, clock, files, report, upload } = context;
    if (upload === undefined) return report('[upload-certs] skipped: see --upload-certs');
    const api = await context.api();
    await uploadCertificates(api, files, configuration.cluster, { key: upload.key, now: clock.now() });
    report(`[upload-certs] wrote the secret ${where}, which goes in two hours`);
    if (!upload.skipPrint) report(`[upload-certs] Using certificate key:\n${upload.key}`);
  },
};
