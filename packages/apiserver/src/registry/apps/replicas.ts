import { fieldsOf, type GatedFields } from '../gatedfields.ts';

/** What of the status is there by feature gates alone. */
export const STATUS_FIELDS: readonly GatedFields<{ terminatingReplicas?: number }>[] = [
  ['DeploymentReplicaSetTerminatingReplicas', fieldsOf((status) => [status], 'terminatingReplicas')],
];

/** Upstream's internal types of workloads hold replicas as a number, which is 0 where nothing is said. */
export function noReplicas({ spec }: { spec: { replicas?: number } }): void {
  spec.replicas = 0;
}
