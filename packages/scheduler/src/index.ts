export { defaultConfiguration } from './config/defaults.ts';
export type { SchedulerConfiguration } from './config/types.ts';
export { type RunningScheduler, type SchedulerOptions, startScheduler } from './start.ts';
