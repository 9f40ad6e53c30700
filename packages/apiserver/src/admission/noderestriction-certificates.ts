/** For which pods a kubelet may ask certificates (plugin/pkg/admission/noderestriction admitPodCertificateRequest). */
import { notFound } from '@keelson/api/errors';
import { quote } from '@keelson/api/field';
import type { PodCertificateRequest } from '@keelson/api/generated/types/certificates/v1beta1';
import { isMirrorPod } from '@keelson/api/resources/pod-parts';
import type { ObjectTypes } from '../objects.ts';
import { type AdmissionAttributes, type AdmissionWorld, objectOf } from './plugin.ts';

/** What is asked for and what is there differ, as they may for a moment: a later try may be let in, so it is no refusal. */
export class NotYet extends Error {}

/** @throws NotYet; Error for what is refused */
export async function checkCertificateRequest(
  node: string,
  a: AdmissionAttributes,
  { objects, isEnabled }: AdmissionWorld,
): Promise<void> {
  if (!isEnabled('PodCertificateRequest')) throw new Error('PodCertificateRequest feature gate is disabled');
  if (a.operation !== 'CREATE') throw new Error(`unexpected operation ${a.operation}`);
  if (a.subresource !== '') throw new Error(`unexpected subresource ${a.subresource}`);
  const { spec } = objectOf<PodCertificateRequest>(a);
  if (spec.nodeName !== node)
    throw new Error(
      `PodCertificateRequest.Spec.NodeName=${quote(spec.nodeName)}, which is not the requesting node ${quote(node)}`,
    );
  const named = async <R extends 'nodes' | 'pods' | 'serviceaccounts'>(
    resource: R,
    what: string,
    namespace: string,
    name: string,
  ): Promise<ObjectTypes[R]> => {
    const found = await objects.get(resource, namespace, name);
    if (found) return found;
    const path = namespace === '' ? name : `${namespace}/${name}`;
    const { message } = notFound({ group: '', resource: resource.slice(0, -1) }, name);
    throw new NotYet(`while retrieving ${what} ${quote(path)} named in the PodCertificateRequest: ${message}`);
  };

  const { metadata } = await named('nodes', 'node', '', spec.nodeName);
  const podPath = quote(`${a.namespace}/${spec.podName}`);
  if (metadata.uid !== spec.nodeUID)
    throw new NotYet(
      `PodCertificateRequest for pod ${podPath} names node UID ${quote(spec.nodeUID)}, inconsistent with the running node (${quote(metadata.uid ?? '')})`,
    );

  const pod = await named('pods', 'pod', a.namespace, spec.podName);
  const uid = pod.metadata.uid ?? '';
  if (uid !== spec.podUID)
    throw new NotYet(
      `PodCertificateRequest for pod ${podPath} contains pod UID (${quote(spec.podUID)}) which differs from running pod ${quote(uid)}`,
    );
  if (pod.spec.nodeName !== spec.nodeName)
    throw new Error(`pod ${podPath} is not running on node ${quote(spec.nodeName)} named in the PodCertificateRequest`);
  if (isMirrorPod(pod)) throw new Error(`pod ${podPath} is a mirror pod`);

  const account = pod.spec.serviceAccountName ?? '';
  if (spec.serviceAccountName !== account)
    throw new Error(
      `PodCertificateRequest for pod ${podPath} contains serviceAccountName (${quote(spec.serviceAccountName)}) that differs from running pod (${quote(account)})`,
    );
  const running = await named('serviceaccounts', 'service account', a.namespace, account);
  if (running.metadata.uid !== spec.serviceAccountUID)
    throw new NotYet(
      `PodCertificateRequest for pod ${podPath} names service account UID ${quote(spec.serviceAccountUID)}, which differs from the running service account (${quote(running.metadata.uid ?? '')})`,
    );
}
