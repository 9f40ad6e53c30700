import type { Phase } from '../phase.ts';
import type { JoinContext } from './context.ts';

/** A phase of joining. */
export type JoinPhase = Phase<JoinContext>;
