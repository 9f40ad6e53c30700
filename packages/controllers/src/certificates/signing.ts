/** Issues the certificates that were approved (pkg/controller/certificates/signer). */
import type { CertificateSigningRequest } from '@keelson/api/generated/types/certificates/v1';
import { formatTime } from '@keelson/api/time';
import { WorkQueue } from '@keelson/client';
import type { ControllerContext } from '../controller.ts';
import { runQueue } from '../work.ts';
import {
  CLIENT,
  clientProblem,
  hasCondition,
  KUBELET_CLIENT,
  KUBELET_SERVING,
  kubeletClientProblem,
  kubeletServingProblem,
  parseRequest,
} from './requests.ts';
import { lifetime, sign } from './signer.ts';

/** By signer: what is wrong with a request. */
const CHECKS: Readonly<Record<string, typeof kubeletClientProblem>> = {
  [KUBELET_CLIENT]: kubeletClientProblem,
  [KUBELET_SERVING]: kubeletServingProblem,
  [CLIENT]: (_, usages) => clientProblem(usages),
  'kubernetes.io/legacy-unknown': () => undefined,
};

export async function start(context: ControllerContext) {
  const { client, informers, world, settings } = context;
  const { signing } = settings;
  if (!signing) return undefined;
  const queue = new WorkQueue<string>(world, 'certificate');
  const requests = informers.informer('certificatesigningrequests.certificates.k8s.io');
  const enqueue = ({ metadata, spec }: CertificateSigningRequest) => {
    if (CHECKS[spec.signerName]) queue.add(metadata.name!);
  };
  requests.addHandler({ added: enqueue, updated: (_, request) => enqueue(request) });
  const resource = client.resource('certificatesigningrequests.certificates.k8s.io');

  const reconcile = async (name: string) => {
    const request = requests.store.get(name);
    if (!request || request.status?.certificate) return;
    if (!hasCondition(request, 'Approved') || hasCondition(request, 'Denied') || hasCondition(request, 'Failed'))
      return;
    const { signerName, usages, expirationSeconds } = request.spec;
    const given = usages ?? [];
    const problem = CHECKS[signerName]!(await parseRequest(request.spec.request as string), given);
    if (problem !== undefined) {
      const now = formatTime(new Date(world.clock.now()));
      const failed = {
        type: 'Failed',
        status: 'True',
        reason: 'SignerValidationFailure',
        message: problem,
        lastUpdateTime: now,
      };
      const conditions = [...(request.status?.conditions ?? []), failed];
      await resource.updateStatus({ ...request, status: { ...request.status, conditions } });
      return;
    }
    const validFor = lifetime(signing.durationMs, expirationSeconds);
    const certificate = await sign(
      signing.authority,
      request.spec.request as string,
      given,
      validFor,
      world.clock.now(),
    );
    await resource.updateStatus({ ...request, status: { ...request.status, certificate } });
  };
  return runQueue(context, { queue, informers: [requests], workers: 5, reconcile });
}
