/** Keelson's own version. */
export const keelsonVersion = '0.1.0';

/** The level of the API that is served and asked for: clients decide by it what they may ask for. */
export const KUBERNETES_VERSION = { major: '1', minor: '36', gitVersion: 'v1.36.2' } as const;
