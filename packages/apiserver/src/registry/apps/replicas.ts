/** Upstream's internal types of workloads hold replicas as a number, which is 0 where nothing is said. */
export function noReplicas({ spec }: { spec: { replicas?: number } }): void {
  spec.replicas = 0;
}
