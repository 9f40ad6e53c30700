/** Whether a container is started again (pkg/api/v1/pod/util.go; pkg/kubelet/container/helpers.go). */
import type { Container, ContainerRestartRule, Pod, PodSpec } from '@keelson/api/generated/types/core/v1';
import type { PodState } from '../runtime/runtime.ts';
import { latest } from './spec.ts';

/** What a container's own rules say of an exit code; the first that matches counts. */
export function matchingRule(container: Container, exitCode: number): ContainerRestartRule | undefined {
  return container.restartPolicyRules?.find(({ exitCodes }) => {
    if (!exitCodes) return false;
    const listed = exitCodes.values?.includes(exitCode) ?? false;
    return exitCodes.operator === 'In' ? listed : exitCodes.operator === 'NotIn' && !listed;
  });
}

/** After it has ended with the code: its rules, then its policy, then the pod's. */
export function restartsAfter(container: Container, spec: PodSpec, exitCode: number): boolean {
  if (container.restartPolicy !== undefined) {
    const action = matchingRule(container, exitCode)?.action;
    if (action === 'Restart' || action === 'RestartAllContainers') return true;
    const decided = byPolicy(container.restartPolicy, exitCode);
    if (decided !== undefined) return decided;
  }
  return byPolicy(spec.restartPolicy, exitCode) ?? true;
}

function byPolicy(policy: string | undefined, exitCode: number): boolean | undefined {
  switch (policy) {
    case 'Always':
      return true;
    case 'OnFailure':
      return exitCode !== 0;
    case 'Never':
      return false;
  }
  return undefined;
}

/** Where its probe fails, or nobody knows what became of it: there is no exit code to go by. */
export function restartsWithoutCode(container: Container, spec: PodSpec): boolean {
  return (container.restartPolicy ?? spec.restartPolicy) !== 'Never';
}

/** Whether it is to be started now: it never was, or has ended and its policy wants it again. */
export function shouldStart(container: Container, pod: Pod, state: PodState): boolean {
  if (pod.metadata.deletionTimestamp) return false;
  const status = latest(state, container.name);
  if (!status) return true;
  switch (status.state.type) {
    case 'running':
      return false;
    case 'exited':
      return restartsAfter(container, pod.spec!, status.state.exitCode);
    default:
      return true;
  }
}
