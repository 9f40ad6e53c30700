/** Approves what kubelets ask for, if they may (pkg/controller/certificates/approver). */
import type { SubjectAccessReview } from '@keelson/api/generated/types/authorization/v1';
import type { CertificateSigningRequest } from '@keelson/api/generated/types/certificates/v1';
import { formatTime } from '@keelson/api/time';
import { WorkQueue } from '@keelson/client';
import type { ControllerContext } from '../controller.ts';
import { runQueue } from '../work.ts';
import { hasCondition, KUBELET_CLIENT, kubeletClientProblem, type ParsedRequest, parseRequest } from './requests.ts';

/** What a requester may need a permission for, the narrower one first; with the words of the approval. */
export function permissionsFor(
  { spec }: CertificateSigningRequest,
  request: ParsedRequest,
): readonly { readonly subresource: string; readonly message: string }[] {
  if (spec.signerName !== KUBELET_CLIENT || kubeletClientProblem(request, spec.usages ?? [])) return [];
  const any = {
    subresource: 'nodeclient',
    message: 'Auto approving kubelet client certificate after SubjectAccessReview.',
  };
  const own = {
    subresource: 'selfnodeclient',
    message: 'Auto approving self kubelet client certificate after SubjectAccessReview.',
  };
  return spec.username === request.commonName ? [own, any] : [any];
}

export async function start(context: ControllerContext) {
  const { client, informers, world } = context;
  const queue = new WorkQueue<string>(world, 'certificate');
  const requests = informers.informer('certificatesigningrequests.certificates.k8s.io');
  const enqueue = ({ metadata }: CertificateSigningRequest) => queue.add(metadata.name!);
  requests.addHandler({ added: enqueue, updated: (_, request) => enqueue(request) });

  const isAllowed = async ({ spec }: CertificateSigningRequest, subresource: string) => {
    const { username: user = '', uid = '', groups = [], extra } = spec;
    const resourceAttributes = {
      group: 'certificates.k8s.io',
      version: '*',
      resource: 'certificatesigningrequests',
      verb: 'create',
      subresource,
    };
    const review = { spec: { user, uid, groups, ...(extra ? { extra } : {}), resourceAttributes } };
    const reviews = client.resource<SubjectAccessReview>({
      group: 'authorization.k8s.io',
      version: 'v1',
      resource: 'subjectaccessreviews',
      namespaced: false,
    });
    return (await reviews.create(review)).status?.allowed === true;
  };

  const reconcile = async (name: string) => {
    const request = requests.store.get(name);
    if (!request || request.status?.certificate || hasCondition(request, 'Approved') || hasCondition(request, 'Denied'))
      return;
    if (request.spec.signerName !== KUBELET_CLIENT) return;
    const parsed = await parseRequest(request.spec.request as string);
    for (const { subresource, message } of permissionsFor(request, parsed)) {
      if (!(await isAllowed(request, subresource))) continue;
      const now = formatTime(new Date(world.clock.now()));
      const condition = { type: 'Approved', status: 'True', reason: 'AutoApproved', message, lastUpdateTime: now };
      const conditions = [...(request.status?.conditions ?? []), condition];
      const approved = { ...request, status: { ...request.status, conditions } };
      await client
        .resource('certificatesigningrequests.certificates.k8s.io')
        .subresource('approval')
        .update({ name }, approved);
      return;
    }
  };
  return runQueue(context, { queue, informers: [requests], workers: 5, reconcile });
}
