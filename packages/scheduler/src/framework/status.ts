/** Why a plugin says no. A plugin that says yes returns `undefined`; one that breaks throws. */

export type RejectionCode =
  /** Not now; taking other pods away may help. */
  | 'Unschedulable'
  /** Not now, and no preemption would help. */
  | 'UnschedulableAndUnresolvable'
  /** Something outside has to happen first; when it does, there is no back-off. */
  | 'Pending';

export interface Rejection {
  readonly code: RejectionCode;
  readonly plugin: string;
  /** Each is counted over nodes in the message of the pod's condition. */
  readonly reasons: readonly string[];
}

/** Plugins that reject many nodes make their rejections once: what they return is never changed. */
export function rejection(plugin: string, code: RejectionCode, ...reasons: readonly string[]): Rejection {
  return { plugin, code, reasons };
}

export function unschedulable(plugin: string, ...reasons: readonly string[]): Rejection {
  return rejection(plugin, 'Unschedulable', ...reasons);
}

export function unresolvable(plugin: string, ...reasons: readonly string[]): Rejection {
  return rejection(plugin, 'UnschedulableAndUnresolvable', ...reasons);
}

export function messageOf({ reasons }: Rejection): string {
  return reasons.join(', ');
}
