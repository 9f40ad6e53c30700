export { FAMILIES, type Family, familyOfRange } from './addresses.ts';
export { systemConntrack } from './conntrack.ts';
export { nftProblem, systemNft } from './nft.ts';
export { type ProxyOptions, type RunningProxy, startKubeProxy } from './proxy.ts';
export { ProgramError, run } from './run.ts';
export { defaultSettings, type LocalTraffic, type ProxySettings } from './settings.ts';
