import { kubeSchedulerFlags } from '@keelson/component/generated/kube-scheduler-flags';
import type { FlagValues } from '@keelson/component/pflag/flags';
import { electionDescriptions } from '../leader-election.ts';
import { servingDescriptions } from '../secure-serving.ts';

/** The flags of `kube-scheduler`: upstream's. */
export const flags = kubeSchedulerFlags;

export type Values = FlagValues<typeof flags>;

export const descriptions: Readonly<Partial<Record<keyof typeof flags, string>>> = {
  ...electionDescriptions,
  ...servingDescriptions,
  config: 'File with a KubeSchedulerConfiguration, which counts instead of the flags.',
  help: 'Show this help.',
  'kube-api-burst': 'Calls that may be made at once, where --kube-api-qps limits them.',
  'kube-api-qps': 'Calls per second to the API server. Without this flag there is no limit.',
  kubeconfig: 'File that tells where the API server is and who asks.',
  'logging-format': "text (klog's lines) or json.",
  v: 'How much is logged: 0 to 10.',
  version: 'Show the version; raw: in detail.',
};
