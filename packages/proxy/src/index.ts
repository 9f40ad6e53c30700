export { FAMILIES, type Family, familyOf, familyOfRange } from './addresses.ts';
export { systemConntrack } from './conntrack.ts';
export { type ConntrackSettings, setConntrack, showsBridged } from './kernel-settings.ts';
export { nftProblem, systemNft } from './nft.ts';
export { type ProxyOptions, type RunningProxy, startKubeProxy } from './proxy.ts';
export { serviceTableRemoval } from './rules/service-table.ts';
export { ProgramError, run } from './run.ts';
export { defaultSettings, type LocalTraffic, type ProxySettings } from './settings.ts';
