export type { Runtime } from './runtime/runtime.ts';
export { RuntimeError } from './runtime/runtime.ts';
export type { KubeletView, ServerFactory } from './view.ts';
