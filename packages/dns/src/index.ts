export { type DnsOptions, type RunningDns, startDns } from './dns.ts';
export { followMachines, type MachinesOptions } from './machines.ts';
