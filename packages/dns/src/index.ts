export { type DnsOptions, type RunningDns, startDns } from './dns.ts';
