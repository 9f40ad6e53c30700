/** What a kubelet may be set to, without the kubelet itself. */
export type { Enforcement } from './cgroups/node.ts';
export type { CgroupSettings } from './cgroups/start.ts';
export type { CpuSettings } from './cpus/manager.ts';
export { formatCpus, parseCpus } from './cpus/set.ts';
export type { EvictionPolicy } from './eviction/manager.ts';
export { DEFAULT_HARD, parseThresholds } from './eviction/thresholds.ts';
export type { ImageCollectionPolicy } from './images/collector.ts';
export type { LogRotation } from './logs/rotation.ts';
export type { MemoryReservation, MemorySettings } from './memory/manager.ts';
export { memoryPolicy, parseReservedMemory, reservedMemoryProblems } from './memory/options.ts';
export { parseReserved, type Reservations } from './node/allocatable.ts';
export type { SwapSettings } from './resources/swap.ts';
export type { ShutdownPeriod } from './shutdown/periods.ts';
export type { TopologyOptions } from './topology/manager.ts';
export { cpuOptions, topologyOptions } from './topology/options.ts';
export { POLICIES, type TopologyPolicy } from './topology/policy.ts';
