export { defaultConfiguration } from './config/defaults.ts';
export { parseConfiguration } from './config/read.ts';
export type { SchedulerConfiguration } from './config/types.ts';
export { Explainer, type Explanation, type NodeExplanation } from './explain.ts';
export { type RunningScheduler, type SchedulerOptions, startScheduler } from './start.ts';
