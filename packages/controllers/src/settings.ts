/**
 * What kube-controller-manager's flags set, with upstream's defaults (pkg/controller/apis/config). Durations are
 * milliseconds. Each controller documents the ones it reads beside them.
 */
export interface ControllerSettings {
  /** Workers of each controller that has several, by controller name; others have the default of their own. */
  readonly concurrency: ReadonlyMap<string, number>;
  /** PEM of the authorities that the API server's certificate leads to (`--root-ca-file`); without it they are not published. */
  readonly rootCa?: string;
}

export const defaultSettings: ControllerSettings = {
  concurrency: new Map(),
};
