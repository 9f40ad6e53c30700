/** The flags that components have in common, under upstream's names, and what the help says of them. */
import { kubeSchedulerFlags } from '@keelson/component/generated/kube-scheduler-flags';
import type { FlagTable } from '@keelson/component/pflag/flags';
import type { FlagDescriptions } from '@keelson/component/pflag/usage';

const api = { section: 'API server' } as const;
const global = { section: 'Global' } as const;
const { help, version, v } = kubeSchedulerFlags;

/** By which a component that is not upstream's finds the API server: `ConnectionFlags`. */
export const connectionFlags = {
  kubeconfig: { type: 'string', ...api },
  'kube-api-qps': { type: 'float32', ...api },
  'kube-api-burst': { type: 'int32', ...api },
} as const satisfies FlagTable;

export const globalFlags = {
  'logging-format': { type: 'string', ...global, default: 'text' },
  help: { ...help, ...global },
  version: { ...version, ...global },
  v: { ...v, ...global },
} as const satisfies FlagTable;

/** A flag without a description counts as one without effect: what is here has one in every component. */
export const commonDescriptions = {
  help: 'Show this help.',
  kubeconfig: 'File that tells where the API server is and who asks.',
  'logging-format': "text (klog's lines) or json.",
  v: 'How much is logged: 0 to 10.',
  version: 'Show the version; raw: in detail.',
} as const satisfies FlagDescriptions;

/** Of components with gates; not all of them have an effect in each. */
export const GATES_DESCRIPTION =
  'Features to switch on or off: ComponentFlagz=false. docs/feature-gates.md has those with an effect; others are checked, and told of.';

/** Of components that serve `/debug`. */
export const PROFILING_DESCRIPTION =
  'Serve profiles of CPU and heap below /debug/pprof/, and take another --v at /debug/flags/v.';

/** Of components that hold their calls back where they are told to. */
export const rateLimitDescriptions = {
  'kube-api-burst': 'Calls that may be made at once, where --kube-api-qps limits them.',
  'kube-api-qps': 'Calls per second to the API server. Without this flag there is no limit.',
} as const satisfies FlagDescriptions;
