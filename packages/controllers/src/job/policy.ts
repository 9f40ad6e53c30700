/** When failed pods decide about a job or an index, and when enough has succeeded (pkg/controller/job *_policy.go). */
import type {
  PodFailurePolicy,
  PodFailurePolicyOnExitCodesRequirement,
  SuccessPolicy,
} from '@keelson/api/generated/types/batch/v1';
import type { ContainerStatus, Pod } from '@keelson/api/generated/types/core/v1';
import { Indexes } from './indexes.ts';

export interface FailureVerdict {
  /** Of the rule that matched first. */
  readonly action: string | undefined;
  /** Whether the failure counts towards the back-off limits. */
  readonly counts: boolean;
  /** Why the job fails, if it does. */
  readonly jobFailure?: string;
}

export function judgeFailure(policy: PodFailurePolicy | undefined, pod: Pod): FailureVerdict {
  for (const [i, rule] of (policy?.rules ?? []).entries()) {
    const { action } = rule;
    const name = `${pod.metadata.namespace}/${pod.metadata.name}`;
    const why = rule.onExitCodes
      ? becauseOfExitCode(rule.onExitCodes, pod, name)
      : becauseOfCondition(rule.onPodConditions ?? [], pod, name);
    if (why === undefined) continue;
    if (action === 'FailJob') return { action, counts: true, jobFailure: `${why} matching FailJob rule at index ${i}` };
    if (['Ignore', 'Count', 'FailIndex'].includes(action)) return { action, counts: action !== 'Ignore' };
  }
  return { action: undefined, counts: true };
}

function becauseOfExitCode(
  requirement: PodFailurePolicyOnExitCodesRequirement,
  { status }: Pod,
  name: string,
): string | undefined {
  for (const { name: container, state } of exited(status.containerStatuses, status.initContainerStatuses)) {
    const code = state.terminated!.exitCode;
    if (requirement.containerName !== undefined && requirement.containerName !== container) continue;
    const listed = (requirement.values ?? []).includes(code);
    if (listed === (requirement.operator === 'In')) {
      return `Container ${container} for pod ${name} failed with exit code ${code}`;
    }
  }
  return undefined;
}

function exited(...lists: (readonly ContainerStatus[] | undefined)[]): ContainerStatus[] {
  return lists.flatMap((list) => list ?? []).filter(({ state }) => (state.terminated?.exitCode ?? 0) !== 0);
}

function becauseOfCondition(
  patterns: readonly { type: string; status: string }[],
  { status }: Pod,
  name: string,
): string | undefined {
  const met = status.conditions?.find((c) => patterns.some((p) => p.type === c.type && p.status === c.status));
  return met && `Pod ${name} has condition ${met.type}`;
}

/** The message of the first rule that is met. */
export function matchSuccess(
  policy: SuccessPolicy | undefined,
  completions: number,
  succeeded: Indexes,
): string | undefined {
  if (succeeded.size === 0) return undefined;
  const met = (policy?.rules ?? []).findIndex(({ succeededIndexes, succeededCount }) => {
    if (succeededIndexes === undefined) return succeededCount !== undefined && succeeded.size >= succeededCount;
    const required = Indexes.parse(succeededIndexes, completions);
    if (required.size === 0) return false;
    const done = required.overlap(succeeded);
    return done === required.size || (succeededCount !== undefined && done >= succeededCount);
  });
  return met < 0 ? undefined : `Matched rules at index ${met}`;
}
