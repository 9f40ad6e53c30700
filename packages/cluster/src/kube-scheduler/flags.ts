import { kubeSchedulerFlags } from '@keelson/component/generated/kube-scheduler-flags';
import type { FlagValues } from '@keelson/component/pflag/flags';
import { loggingDescriptions } from '../commands/logging.ts';
import {
  commonDescriptions,
  GATES_DESCRIPTION,
  PROFILING_DESCRIPTION,
  rateLimitDescriptions,
} from '../component-flags.ts';
import { electionDescriptions } from '../leader-election.ts';
import { metricDescriptions } from '../metric-flags.ts';
import { servingDescriptions } from '../secure-serving.ts';

/** The flags of `kube-scheduler`: upstream's. */
export const flags = kubeSchedulerFlags;

export type Values = FlagValues<typeof flags>;

export const descriptions: Readonly<Partial<Record<keyof typeof flags, string>>> = {
  ...commonDescriptions,
  ...loggingDescriptions,
  ...rateLimitDescriptions,
  ...electionDescriptions,
  ...servingDescriptions,
  ...metricDescriptions,
  'feature-gates': GATES_DESCRIPTION,
  profiling: PROFILING_DESCRIPTION,
  config: 'File with a KubeSchedulerConfiguration, which counts instead of the flags.',
};
