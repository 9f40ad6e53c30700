/** Whether a container that has ended may run again. */

import { type ErrorList, forbidden, type Path } from '@keelson/api/field';
import type { Container, ContainerStatus, PodSpec } from '@keelson/api/generated/types/core/v1';

type Statuses = readonly ContainerStatus[] | undefined;

/**
 * No container comes back that its pod does not restart.
 * @param containers those that the statuses are of; absent for ephemeral ones, which never come back
 */
export function validateTransitions(
  statuses: Statuses,
  old: Statuses,
  spec: PodSpec,
  containers: readonly Container[] | undefined,
  path: Path,
): ErrorList {
  if (containers && restartsAll(spec)) return [];
  return (old ?? []).flatMap(({ name, state: { terminated } }, i) => {
    if (!terminated) return [];
    const revived = (statuses ?? []).filter((status) => status.name === name && !status.state.terminated);
    const container = containers?.find((c) => c.name === name);
    if (container && shouldRestart(container, spec, terminated.exitCode)) return [];
    const problem = forbidden(path.index(i).child('state'), 'may not be transitioned to non-terminated state');
    return containers ? revived.slice(0, 1).map(() => problem) : revived.map(() => problem);
  });
}

/** The end of some container starts all of them anew. */
function restartsAll({ containers, initContainers }: PodSpec): boolean {
  return [...(containers ?? []), ...(initContainers ?? [])].some((container) =>
    container.restartPolicyRules?.some(({ action }) => action === 'RestartAllContainers'),
  );
}

function shouldRestart(container: Container, spec: PodSpec, exitCode: number): boolean {
  const own = container.restartPolicy;
  if (own !== undefined) {
    const rule = container.restartPolicyRules?.find(({ exitCodes }) => {
      const listed = exitCodes?.values?.includes(exitCode) ?? false;
      return exitCodes?.operator === 'In' ? listed : exitCodes?.operator === 'NotIn' && !listed;
    });
    if (rule?.action === 'Restart' || rule?.action === 'RestartAllContainers') return true;
  }
  const policy = own && ['Always', 'OnFailure', 'Never'].includes(own) ? own : spec.restartPolicy;
  if (policy === 'Never') return false;
  return policy === 'OnFailure' ? exitCode !== 0 : true;
}
