/** Who may approve and sign certificates of a signer and say whom to trust in its name, and what may never be signed (plugin/pkg/admission/certificates). */
import { semanticEqual } from '@keelson/api/codec/equality';
import { quote } from '@keelson/api/field';
import type { CertificateSigningRequest } from '@keelson/api/generated/types/certificates/v1';
import type { ClusterTrustBundle } from '@keelson/api/generated/types/certificates/v1beta1';
import { asError } from '../aggregate.ts';
import { resourceAttributes } from '../authz/attributes.ts';
import type { UserInfo } from '../registry/strategy.ts';
import { requestedSubject } from './csr.ts';
import { type AdmissionPlugin, type AdmissionWorld, objectOf, oldObjectOf, on, refuse } from './plugin.ts';

const REQUESTS = 'certificatesigningrequests.certificates.k8s.io';
const BUNDLES = 'clustertrustbundles.certificates.k8s.io';
const CLIENT_SIGNER = 'kubernetes.io/kube-apiserver-client';
const MASTERS = 'system:masters';

/** For this signer, or for all of its domain. */
async function maySign({ authorize }: AdmissionWorld, user: UserInfo, verb: string, signer: string): Promise<boolean> {
  for (const name of [signer, `${signer.split('/')[0]}/*`]) {
    const asked = { user, verb, name, apiGroup: 'certificates.k8s.io', apiVersion: '*', resource: 'signers' };
    if ((await authorize(resourceAttributes(asked))).decision === 'allow') return true;
  }
  return false;
}

export function certificateApproval(world: AdmissionWorld): AdmissionPlugin {
  return {
    name: 'CertificateApproval',
    handles: (operation, resource, subresource) =>
      operation === 'UPDATE' && resource === REQUESTS && subresource === 'approval',
    async validate(a) {
      const { signerName } = oldObjectOf<CertificateSigningRequest>(a).spec;
      if (!(await maySign(world, a.user, 'approve', signerName)))
        throw refuse(a, `user not permitted to approve requests with signerName ${quote(signerName)}`);
    },
  };
}

export function certificateSigning(world: AdmissionWorld): AdmissionPlugin {
  return {
    name: 'CertificateSigning',
    handles: (operation, resource, subresource) =>
      operation === 'UPDATE' && resource === REQUESTS && subresource === 'status',
    async validate(a) {
      const { status: old, spec } = oldObjectOf<CertificateSigningRequest>(a);
      const { status } = objectOf<CertificateSigningRequest>(a);
      const same = old?.certificate === status?.certificate && semanticEqual(old?.conditions, status?.conditions);
      if (!same && !(await maySign(world, a.user, 'sign', spec.signerName)))
        throw refuse(a, `user not permitted to sign requests with signerName ${quote(spec.signerName)}`);
    },
  };
}

export function clusterTrustBundleAttest(world: AdmissionWorld): AdmissionPlugin {
  const isWritten = on(BUNDLES, ['CREATE', 'UPDATE']);
  return {
    name: 'ClusterTrustBundleAttest',
    handles: (...asked) => world.isEnabled('ClusterTrustBundle') && isWritten(...asked),
    async validate(a) {
      const bundle = objectOf<ClusterTrustBundle>(a);
      const { signerName } = bundle.spec;
      if (!signerName || (a.operation === 'UPDATE' && collectsGarbage(bundle, oldObjectOf(a)))) return;
      if (!(await maySign(world, a.user, 'attest', signerName)))
        throw refuse(a, `user not permitted to attest for signerName ${quote(signerName)}`);
    },
  };
}

/** Whether nothing but owners, finalizers and their managers changes: whoever does that says nothing of its own. */
function collectsGarbage(object: ClusterTrustBundle, old: ClusterTrustBundle): boolean {
  const rest = ({ metadata, ...others }: ClusterTrustBundle) => ({
    ...others,
    metadata: { ...metadata, ownerReferences: undefined, finalizers: undefined, managedFields: undefined },
  });
  return semanticEqual(rest(object), rest(old));
}

export function certificateSubjectRestriction(): AdmissionPlugin {
  return {
    name: 'CertificateSubjectRestriction',
    handles: on(REQUESTS, ['CREATE']),
    validate(a) {
      const { signerName, request } = objectOf<CertificateSigningRequest>(a).spec;
      if (signerName !== CLIENT_SIGNER) return;
      let organizations: readonly string[];
      try {
        ({ organizations } = requestedSubject(request ?? ''));
      } catch (thrown) {
        throw refuse(a, `failed to parse CSR: ${asError(thrown).message}`);
      }
      if (organizations.includes(MASTERS))
        throw refuse(a, `use of ${CLIENT_SIGNER} signer with ${MASTERS} group is not allowed`);
    },
  };
}
