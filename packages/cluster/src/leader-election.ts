import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { ApiEventRecorder, type Client, elected } from '@keelson/client';
import { ended } from '@keelson/component/promises';
import type { Running } from '@keelson/component/running';

/** The flags of leader election, alike for the scheduler and the controllers. Durations in milliseconds. */
export interface ElectionFlags {
  readonly 'leader-elect': boolean;
  readonly 'leader-elect-lease-duration': number;
  readonly 'leader-elect-renew-deadline': number;
  readonly 'leader-elect-retry-period': number;
  readonly 'leader-elect-resource-lock': string;
  readonly 'leader-elect-resource-name': string;
  readonly 'leader-elect-resource-namespace': string;
}

export const electionDescriptions: Readonly<Record<keyof ElectionFlags, string>> = {
  'leader-elect': 'Work only while leading: of several replicas one does.',
  'leader-elect-lease-duration': 'How long others wait for a leader that does not renew its lease.',
  'leader-elect-renew-deadline': 'How long a leader tries to renew its lease before it ends.',
  'leader-elect-retry-period': 'Pause between attempts to take or renew the lease.',
  'leader-elect-resource-lock': 'What is held while leading: leases.',
  'leader-elect-resource-name': 'Name of the lease.',
  'leader-elect-resource-namespace': 'Namespace of the lease.',
};

/** What is wrong with them (component-base/config/validation: ValidateLeaderElectionConfiguration). */
export function electionErrors(values: ElectionFlags): string[] {
  if (!values['leader-elect']) return [];
  const [lease, renew, retry] = [
    values['leader-elect-lease-duration'],
    values['leader-elect-renew-deadline'],
    values['leader-elect-retry-period'],
  ];
  return [
    lease <= 0 && 'leaderElection.leaseDuration: Invalid value: must be greater than zero',
    renew <= 0 && 'leaderElection.renewDeadline: Invalid value: must be greater than zero',
    retry <= 0 && 'leaderElection.retryPeriod: Invalid value: must be greater than zero',
    lease <= renew && 'leaderElection.leaseDuration: Invalid value: LeaseDuration must be greater than RenewDeadline',
    values['leader-elect-resource-lock'] !== 'leases' &&
      'leaderElection.resourceLock: Unsupported value: supported values: "leases"',
    values['leader-elect-resource-namespace'] === '' &&
      'leaderElection.resourceNamespace: Required value: resourceNamespace is required',
    values['leader-elect-resource-name'] === '' &&
      'leaderElection.resourceName: Required value: resourceName is required',
  ].filter((message) => message !== false);
}

/**
 * Starts a part of which only one runs in a cluster; at once, where the flags do without election.
 * @param identity of the candidate; one that it keeps over restarts takes its lease up again without a wait
 */
export async function startElected(
  values: ElectionFlags,
  client: Client,
  component: string,
  start: () => Promise<Running>,
  identity = `${hostname()}_${randomUUID()}`,
): Promise<Running> {
  if (!values['leader-elect']) return start();
  const recorder = new ApiEventRecorder({ client, source: { component, host: '' }, api: 'v1' });
  const running = elected(
    {
      client,
      namespace: values['leader-elect-resource-namespace'],
      name: values['leader-elect-resource-name'],
      identity,
      leaseDurationMs: values['leader-elect-lease-duration'],
      renewDeadlineMs: values['leader-elect-renew-deadline'],
      retryPeriodMs: values['leader-elect-retry-period'],
      release: true,
      recorder,
    },
    start,
  );
  void ended(running.done).then(() => recorder.stop());
  return running;
}
