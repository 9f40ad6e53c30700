import type { CertificateSigningRequest } from '@keelson/api/generated/types/certificates/v1';
import { age, ageColumn, column, humanDuration, nameColumn } from '../../columns.ts';
import type { TableConvertor } from '../../strategy.ts';

/** The columns are still those of v1beta1, which is served no more. */
const SIGNER_NAME = `Requested signer for the request. It is a qualified name in the form: \`scope-hostname.io/name\`. If empty, it will be defaulted:
 1. If it's a kubelet client certificate, it is assigned
    "kubernetes.io/kube-apiserver-client-kubelet".
 2. If it's a kubelet serving certificate, it is assigned
    "kubernetes.io/kubelet-serving".
 3. Otherwise, it is assigned "kubernetes.io/legacy-unknown".
Distribution of trust for signers happens out of band. You can select on this field using \`spec.signerName\`.`;

export const table: TableConvertor<CertificateSigningRequest> = {
  columns: [
    nameColumn,
    ageColumn,
    column('SignerName', 'string', SIGNER_NAME),
    column('Requestor', 'string', 'Base64-encoded PKCS#10 CSR data'),
    column('RequestedDuration', 'string', 'certificates.v1.CertificateSigningRequestSpec.expirationSeconds'),
    column('Condition', 'string', 'Conditions applied to the request, such as approval or denial.'),
  ],
  row: (obj) => ({
    cells: [
      obj.metadata.name ?? '',
      age(obj),
      obj.spec.signerName || '<none>',
      obj.spec.username ?? '',
      obj.spec.expirationSeconds === undefined ? '<none>' : humanDuration(obj.spec.expirationSeconds * 1000),
      state(obj),
    ],
  }),
};

function state({ status }: CertificateSigningRequest): string {
  const has = (type: string) => status.conditions?.some((c) => c.type === type) ?? false;
  const decision = has('Denied') ? 'Denied' : has('Approved') ? 'Approved' : 'Pending';
  return `${decision}${has('Failed') ? ',Failed' : ''}${status.certificate ? ',Issued' : ''}`;
}
