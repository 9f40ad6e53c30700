import type { Controller } from './controller.ts';

/** All controllers, in the order in which they are started. */
export const controllers: readonly Controller[] = [];
