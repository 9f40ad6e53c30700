/** Roles of controllers, and rights of nodes, that exist behind feature gates (plugin/pkg/auth/authorizer/rbac/bootstrappolicy). */
import type { PolicyRule } from '@keelson/api/generated/types/rbac/v1';
import type { Gate } from '../gates.ts';

export interface GatedRole {
  readonly gates: readonly Gate[];
  /** Service account in kube-system; the role and its binding are named after it. */
  readonly account: string;
  readonly rules: readonly PolicyRule[];
}

const rule = (apiGroup: string, resource: string, ...verbs: string[]): PolicyRule => ({
  apiGroups: [apiGroup],
  resources: [resource],
  verbs: verbs.sort(),
});

export const gatedRoles: readonly GatedRole[] = [
  {
    gates: ['ClusterTrustBundle'],
    account: 'kube-apiserver-serving-clustertrustbundle-publisher',
    rules: [
      { ...rule('certificates.k8s.io', 'signers', 'attest'), resourceNames: ['kubernetes.io/kube-apiserver-serving'] },
      rule('certificates.k8s.io', 'clustertrustbundles', 'create', 'update', 'delete', 'list', 'watch'),
      { ...rule('', 'events', 'create', 'patch', 'update'), apiGroups: ['', 'events.k8s.io'] },
    ],
  },
  {
    gates: ['PodCertificateRequest'],
    account: 'podcertificaterequestcleaner',
    rules: [rule('certificates.k8s.io', 'podcertificaterequests', 'get', 'list', 'watch', 'delete')],
  },
  {
    gates: ['StorageVersionAPI', 'APIServerIdentity'],
    account: 'storage-version-garbage-collector',
    rules: [
      rule('coordination.k8s.io', 'leases', 'get', 'list', 'watch'),
      rule('internal.apiserver.k8s.io', 'storageversions', 'get', 'list', 'watch', 'patch', 'update', 'delete'),
      rule('internal.apiserver.k8s.io', 'storageversions/status', 'get', 'patch', 'update'),
    ],
  },
  {
    gates: ['StorageVersionMigrator'],
    account: 'storage-version-migrator-controller',
    rules: [
      rule('*', '*', 'list', 'create', 'patch'),
      rule('apiextensions.k8s.io', 'customresourcedefinitions', 'get'),
      rule('apiextensions.k8s.io', 'customresourcedefinitions/status', 'patch'),
      rule('storagemigration.k8s.io', 'storageversionmigrations/status', 'update'),
    ],
  },
];

/** The role, and its binding, of a controller in the generated policy that runs by a gate which is on by default. */
export const withdrawnRoles: readonly (readonly [Gate, string])[] = [
  ['DRADeviceTaints', 'system:controller:device-taint-eviction-controller'],
];

/** Rights in the generated policy that come of gates which are on by default, with the roles that have them. */
export const withdrawnRules: readonly (readonly [Gate, readonly string[], PolicyRule])[] = [
  ['ComponentFlagz', ['system:monitoring'], { nonResourceURLs: ['/flagz'], verbs: ['get'] }],
  ['ComponentStatusz', ['system:monitoring'], { nonResourceURLs: ['/statusz'], verbs: ['get'] }],
  ['DRAExtendedResource', ['system:kube-scheduler'], rule('resource.k8s.io', 'resourceclaims', 'create', 'delete')],
  [
    'DRAResourceClaimGranularStatusAuthorization',
    ['system:kube-scheduler', 'system:controller:resource-claim-controller'],
    rule('resource.k8s.io', 'resourceclaims/binding', 'patch', 'update'),
  ],
  ['KubeletServiceAccountTokenForCredentialProviders', ['system:node'], rule('', 'serviceaccounts', 'get')],
];

/** What nodes may do besides, in order. */
export const gatedNodeRules: readonly (readonly [Gate, PolicyRule])[] = [
  ['ClusterTrustBundle', rule('certificates.k8s.io', 'clustertrustbundles', 'get', 'list', 'watch')],
  ['PodCertificateRequest', rule('certificates.k8s.io', 'podcertificaterequests', 'get', 'list', 'watch', 'create')],
];
