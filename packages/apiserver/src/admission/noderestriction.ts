/**
 * NodeRestriction: a kubelet writes its own node, its own pods' status, mirror pods, and what belongs to them
 * (plugin/pkg/admission/noderestriction). Together with the Node authorizer.
 */
import { isDeepStrictEqual } from 'node:util';
import { notFound, StatusError } from '@keelson/api/errors';
import { quote } from '@keelson/api/field';
import type { TokenRequest } from '@keelson/api/generated/types/authentication/v1';
import type { CertificateSigningRequest } from '@keelson/api/generated/types/certificates/v1';
import type { Node, PersistentVolumeClaim, Pod } from '@keelson/api/generated/types/core/v1';
import type { ResourceSlice } from '@keelson/api/generated/types/resource/v1';
import { configMapNames, isMirrorPod, MIRROR_POD, secretNames } from '@keelson/api/resources/pod-parts';
import { asError } from '../aggregate.ts';
import { nodeOf } from '../authz/node/index.ts';
import { commonNameOfRequest } from './csr.ts';
import { checkTokenAudience } from './noderestriction-audience.ts';
import { checkCertificateRequest, NotYet } from './noderestriction-certificates.ts';
import {
  type AdmissionAttributes,
  type AdmissionPlugin,
  type AdmissionWorld,
  objectOf,
  oldObjectOf,
  refuse,
  resourceKey,
} from './plugin.ts';

const LEASE_NAMESPACE = 'kube-node-lease';
const KUBELET_SIGNERS = new Set(['kubernetes.io/kubelet-serving', 'kubernetes.io/kube-apiserver-client-kubelet']);

/** Throws what is refused: a message, or a StatusError. */
type Rule = (node: string, a: AdmissionAttributes, world: AdmissionWorld) => Promise<void> | void;

class Refusal extends Error {}

function no(message: string): never {
  throw new Refusal(message);
}

const RULES: Readonly<Record<string, Rule>> = {
  pods: (node, a, world) => {
    switch (a.subresource) {
      case '':
        return pod(node, a, world);
      case 'status':
        return podStatus(node, a);
      case 'eviction':
        return eviction(node, a, world);
      default:
        return no(`unexpected pod subresource ${quote(a.subresource)}, only 'status' and 'eviction' are allowed`);
    }
  },
  nodes: ownNode,
  persistentvolumeclaims: claimStatus,
  serviceaccounts: token,
  'podcertificaterequests.certificates.k8s.io': checkCertificateRequest,
  'leases.coordination.k8s.io': (node, a) => {
    if (a.namespace !== LEASE_NAMESPACE) no(`can only access leases in the "${LEASE_NAMESPACE}" system namespace`);
    if (nameOf(a) !== node) no('can only access node lease with the same name as the requesting node');
  },
  'csinodes.storage.k8s.io': (node, a) => {
    if (nameOf(a) !== node) no('can only access CSINode with the same name as the requesting node');
  },
  'resourceslices.resource.k8s.io': (node, a) => {
    const verb = { CREATE: 'create', DELETE: 'delete' }[a.operation as string];
    const slice = a.operation === 'CREATE' ? objectOf<ResourceSlice>(a) : oldObjectOf<ResourceSlice>(a);
    if (verb && slice.spec.nodeName !== node)
      no(`can only ${verb} ResourceSlice with the same NodeName as the requesting node`);
  },
  'certificatesigningrequests.certificates.k8s.io': signingRequest,
};

export function nodeRestriction(world: AdmissionWorld): AdmissionPlugin {
  return {
    name: 'NodeRestriction',
    handles: (operation) => operation !== 'CONNECT',
    async mutate(a) {
      const node = nodeOf(a.user);
      if (node === undefined) return;
      if (node === '') throw refuse(a, `could not determine node from user ${quote(a.user.name)}`);
      try {
        await RULES[resourceKey(a.resource)]?.(node, a, world);
      } catch (thrown) {
        if (thrown instanceof StatusError || thrown instanceof NotYet) throw thrown;
        throw refuse(a, asError(thrown));
      }
    },
  };
}

function nameOf(a: AdmissionAttributes): string {
  return a.operation === 'CREATE' ? (a.object?.metadata.name ?? '') : a.name;
}

async function pod(node: string, a: AdmissionAttributes, world: AdmissionWorld): Promise<void> {
  if (a.operation === 'CREATE') return mirrorPod(node, objectOf<Pod>(a), world);
  if (a.operation !== 'DELETE')
    no(`unexpected operation ${quote(a.operation)}, node ${quote(node)} can only create and delete mirror pods`);
  const { spec } = await existingPod(a.namespace, a.name, world);
  if (spec.nodeName !== node) no(`node ${quote(node)} can only delete pods with spec.nodeName set to itself`);
}

async function mirrorPod(node: string, given: Pod, { objects }: AdmissionWorld): Promise<void> {
  const only = `node ${quote(node)} can only create`;
  if (!isMirrorPod(given)) no(`pod does not have ${quote(MIRROR_POD)} annotation, ${only} mirror pods`);
  if (given.spec.nodeName !== node) no(`${only} pods with spec.nodeName set to itself`);
  const [owner, ...others] = given.metadata.ownerReferences ?? [];
  if (others.length > 0) no(`${only} pods with a single owner reference set to itself`);
  if (owner?.apiVersion !== 'v1' || owner.kind !== 'Node' || owner.name !== node)
    return no(`${only} pods with an owner reference set to itself`);
  if (!owner.controller) no(`${only} pods with a controller owner reference set to itself`);
  if (owner.blockOwnerDeletion) no(`node ${quote(node)} must not set blockOwnerDeletion on an owner reference`);
  const stored = await objects.get('nodes', '', node);
  if (!stored) throw notFound({ group: '', resource: 'node' }, node);
  if (owner.uid !== stored.metadata.uid)
    no(`node ${node} UID mismatch: expected ${owner.uid} got ${stored.metadata.uid}`);
  const referenced = referencedObjects(given);
  if (referenced) no(`node ${quote(node)} can not create pods that reference ${referenced}`);
}

/** What of the API a pod needs that only a node knows; undefined for one that runs without. */
function referencedObjects(given: Pod): string | undefined {
  const { spec } = given;
  if (spec.serviceAccountName) return 'serviceaccounts';
  if (secretNames(given).length > 0) return 'secrets';
  if (configMapNames(given).length > 0) return 'configmaps';
  if (spec.resourceClaims?.length) return 'resourceclaims';
  for (const v of spec.volumes ?? []) {
    if (v.configMap) return 'configmaps (via configmap volumes)';
    if (v.secret) return 'secrets (via secret volumes)';
    if (v.csi) return 'csidrivers (via CSI volumes)';
    if (v.glusterfs) return 'endpoints (via glusterFS volumes)';
    if (v.persistentVolumeClaim) return 'persistentvolumeclaims';
    if (v.ephemeral) return 'persistentvolumeclaims (via ephemeral volumes)';
    if (v.azureFile) return 'secrets (via azureFile volumes)';
    for (const s of v.projected?.sources ?? []) {
      if (s.configMap) return 'configmaps (via projected volumes)';
      if (s.secret) return 'secrets (via projected volumes)';
      if (s.serviceAccountToken) return 'serviceaccounts (via projected volumes)';
      if (s.clusterTrustBundle) return 'clustertrustbundles';
      if (s.podCertificate) return 'podcertificates';
    }
  }
  return undefined;
}

function podStatus(node: string, a: AdmissionAttributes): void {
  if (a.operation !== 'UPDATE') no(`unexpected operation ${quote(a.operation)}`);
  const [next, old] = [objectOf<Pod>(a), oldObjectOf<Pod>(a)];
  const who = `node ${quote(node)}`;
  if (old.spec.nodeName !== node) no(`${who} can only update pod status for pods with spec.nodeName set to itself`);
  if (!sameValue(next.metadata.labels, old.metadata.labels)) no(`${who} cannot update labels through pod status`);
  if (!sameValue(next.status?.resourceClaimStatuses, old.status?.resourceClaimStatuses))
    no(`${who} cannot update resource claim statues`);
  if (!sameValue(next.status?.extendedResourceClaimStatus, old.status?.extendedResourceClaimStatus))
    no(`${who} cannot update extended resource claim status`);
}

async function eviction(node: string, a: AdmissionAttributes, world: AdmissionWorld): Promise<void> {
  if (a.operation !== 'CREATE') no(`unexpected operation ${a.operation}`);
  const name = a.name || a.object?.metadata?.name;
  if (!name) return no('could not determine pod from request data');
  const { spec } = await existingPod(a.namespace, name, world);
  if (spec.nodeName !== node) no(`node ${node} can only evict pods with spec.nodeName set to itself`);
}

/** @throws StatusError 404 */
async function existingPod(namespace: string, name: string, { objects }: AdmissionWorld): Promise<Pod> {
  const found = await objects.get('pods', namespace, name);
  if (!found) throw notFound({ group: '', resource: 'pod' }, name);
  return found;
}

function claimStatus(node: string, a: AdmissionAttributes): void {
  if (a.subresource !== 'status') no('may only update PVC status');
  if (a.operation !== 'UPDATE') no(`unexpected operation ${quote(a.operation)}`);
  const [next, old] = [objectOf<PersistentVolumeClaim>(a), oldObjectOf<PersistentVolumeClaim>(a)].map(withoutResizing);
  if (!isDeepStrictEqual(next, old))
    no(`node ${quote(node)} is not allowed to update fields other than status.quantity and status.conditions`);
}

/** Without what a kubelet reports when it has grown a volume. */
function withoutResizing({ metadata, status, ...rest }: PersistentVolumeClaim): unknown {
  const { resourceVersion: _, managedFields: __, ...otherMetadata } = metadata;
  const {
    capacity: ___,
    conditions: ____,
    allocatedResourceStatuses: _____,
    allocatedResources: ______,
    ...otherStatus
  } = status ?? {};
  return { metadata: otherMetadata, status: otherStatus, ...rest };
}

function ownNode(node: string, a: AdmissionAttributes): void {
  if (a.name !== node) no(`node ${quote(node)} is not allowed to modify node ${quote(a.name)}`);
  if (a.operation === 'CREATE') {
    const { metadata, spec } = objectOf<Node>(a);
    if (spec?.configSource) no(`node ${quote(node)} is not allowed to create pods with a non-nil configSource`);
    const labels = forbiddenLabels(metadata.labels, undefined);
    if (labels.length > 0) no(`node ${quote(node)} is not allowed to set the following labels: ${labels.join(', ')}`);
  }
  if (a.operation === 'UPDATE') nodeUpdate(node, objectOf<Node>(a), oldObjectOf<Node>(a));
}

function nodeUpdate(node: string, next: Node, old: Node): void {
  const who = `node ${quote(node)} is not allowed to`;
  if (next.spec?.configSource && !sameValue(next.spec.configSource, old.spec?.configSource))
    no(`${who} update configSource to a new non-nil configSource`);
  if (!sameValue(next.spec?.taints, old.spec?.taints)) no(`${who} modify taints`);
  if (!sameValue(next.metadata.ownerReferences, old.metadata.ownerReferences)) no(`${who} modify ownerReferences`);
  const labels = forbiddenLabels(next.metadata.labels, old.metadata.labels);
  if (labels.length > 0) no(`is not allowed to modify labels: ${labels.join(', ')}`);
}

type Labels = Readonly<Record<string, string>> | undefined;

/** Labels that a kubelet may set (k8s.io/kubelet/pkg/apis/well_known_labels.go). */
const KUBELET_LABELS = new Set([
  'kubernetes.io/hostname',
  'topology.kubernetes.io/zone',
  'topology.kubernetes.io/region',
  'failure-domain.beta.kubernetes.io/zone',
  'failure-domain.beta.kubernetes.io/region',
  'beta.kubernetes.io/instance-type',
  'node.kubernetes.io/instance-type',
  'kubernetes.io/os',
  'kubernetes.io/arch',
  'beta.kubernetes.io/os',
  'beta.kubernetes.io/arch',
]);
const KUBELET_DOMAINS = ['kubelet.kubernetes.io', 'node.kubernetes.io'];
const RESTRICTED_DOMAIN = 'node-restriction.kubernetes.io';

/** Changed labels of Kubernetes' own domains that are not for kubelets, sorted. */
function forbiddenLabels(next: Labels = {}, old: Labels = {}): string[] {
  const changed = [...new Set([...Object.keys(next), ...Object.keys(old)])].filter((key) => next[key] !== old[key]);
  return changed.filter(isForbidden).sort();
}

function isForbidden(label: string): boolean {
  const slash = label.indexOf('/');
  const domain = slash < 0 ? '' : label.slice(0, slash);
  const within = (parent: string): boolean => domain === parent || domain.endsWith(`.${parent}`);
  if (within(RESTRICTED_DOMAIN)) return true;
  if (!within('kubernetes.io') && !within('k8s.io')) return false;
  return !KUBELET_LABELS.has(label) && !KUBELET_DOMAINS.some(within);
}

async function token(node: string, a: AdmissionAttributes, world: AdmissionWorld): Promise<void> {
  if (a.operation !== 'CREATE' || a.subresource !== 'token') return;
  const request = objectOf<TokenRequest>(a);
  const ref = request.spec.boundObjectRef;
  if (ref?.apiVersion !== 'v1' || ref.kind !== 'Pod' || !ref.name) return no('node requested token not bound to a pod');
  if (!ref.uid) return no('node requested token with a pod binding without a uid');
  const bound = await existingPod(a.namespace, ref.name, world);
  if (ref.uid !== bound.metadata.uid)
    no(
      `the UID in the bound object reference (${ref.uid}) does not match the UID in record. The object might have been deleted and then recreated`,
    );
  if (bound.spec.nodeName !== node) no('node requested token bound to a pod scheduled on a different node');
  if (!world.isEnabled('ServiceAccountNodeAudienceRestriction')) return;
  await checkTokenAudience(request.spec.audiences ?? [], bound, a, world);
}

function signingRequest(node: string, a: AdmissionAttributes, { isEnabled }: AdmissionWorld): void {
  if (isEnabled('AllowInsecureKubeletCertificateSigningRequests')) return;
  if (a.operation !== 'CREATE' || a.subresource !== '') return;
  const { spec } = objectOf<CertificateSigningRequest>(a);
  if (!KUBELET_SIGNERS.has(spec.signerName)) return;
  const name = commonNameOf(spec.request ?? '');
  if (name !== `system:node:${node}`) no(`can only create a node CSR with CN=system:node:${node}`);
}

function commonNameOf(request: string): string {
  try {
    return commonNameOfRequest(request);
  } catch (thrown) {
    throw new Refusal(`unable to parse csr: ${asError(thrown).message}`);
  }
}

/** Absent and empty are the same. */
function sameValue(a: unknown, b: unknown): boolean {
  const normal = (v: unknown): unknown =>
    v === undefined || v === null || (typeof v === 'object' && Object.keys(v).length === 0) ? undefined : v;
  return isDeepStrictEqual(normal(a), normal(b));
}
