/** Tells in the status of policies what their expressions get wrong (pkg/controller/validatingadmissionpolicystatus). */
import type { ValidatingAdmissionPolicy } from '@keelson/api/generated/types/admissionregistration/v1';
import { type GroupVersionKind, parseApiVersion } from '@keelson/api/object';
import { discover, type ServedResource, WorkQueue } from '@keelson/client';
import type { ControllerContext } from '../controller.ts';
import { runQueue, workersOf } from '../work.ts';
import { type Checked, warningsOf } from './check.ts';
import { kindsOf } from './kinds.ts';
import { declarationOf } from './schemas.ts';

const NAME = 'validatingadmissionpolicy-status-controller';
const FIELD_MANAGER = 'validatingadmissionpolicy-status';

export async function start(context: ControllerContext) {
  const { client, informers, world } = context;
  const queue = new WorkQueue<string>(world, 'validatingadmissionpolicy-status');
  const policies = informers.informer('validatingadmissionpolicies.admissionregistration.k8s.io');
  const enqueue = ({ metadata }: ValidatingAdmissionPolicy) => queue.add(metadata.name!);
  policies.addHandler({ added: enqueue, updated: (_, policy) => enqueue(policy) });
  let served: readonly ServedResource[] = [];

  /** What was not found may have come since the server was asked last. */
  const kinds = async (policy: ValidatingAdmissionPolicy): Promise<GroupVersionKind[]> => {
    const known = kindsOf(policy, served);
    if (known.isComplete) return known.kinds;
    served = (await discover(client)).resources;
    return kindsOf(policy, served).kinds;
  };
  /** Types of one name are one to CEL: each has a name of its own. */
  const declare = (wanted: GroupVersionKind) =>
    declarationOf(client, wanted, `${wanted.kind}${Math.floor(world.random() * 1e9)}`).catch((error) => {
      world.log.warn({ kind: wanted, error }, 'What is declared of a kind could not be found out');
      return undefined;
    });
  const reconcile = async (name: string) => {
    const policy = policies.store.get(name);
    const { generation = 0 } = policy?.metadata ?? {};
    if (!policy || generation <= (policy.status?.observedGeneration ?? 0)) return;
    const checked: Checked[] = [];
    for (const kind of await kinds(policy)) {
      const declared = await declare(kind);
      if (declared) checked.push({ kind, declared });
    }
    const { apiVersion = '', kind = '' } = policy.spec?.paramKind ?? {};
    const params = kind && (await declare({ ...parseApiVersion(apiVersion), kind }));
    const expressionWarnings = warningsOf(policy, checked, params || undefined);
    const typeChecking = expressionWarnings.length > 0 ? { expressionWarnings } : {};
    const status = { observedGeneration: generation, typeChecking };
    const resource = client.resource('validatingadmissionpolicies.admissionregistration.k8s.io');
    await resource.apply({ metadata: { name }, status }, FIELD_MANAGER, { subresource: 'status', force: true });
  };
  return runQueue(context, { queue, informers: [policies], workers: workersOf(context, NAME, 5), reconcile });
}
