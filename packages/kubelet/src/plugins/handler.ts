/** What takes plugins of one type. docs/kubelet.md shows who calls it. */

export interface Plugin {
  /** Of its type only one has it: a driver's name, a resource's. */
  readonly name: string;
  /** Path of the socket on which it serves. */
  readonly endpoint: string;
  /** Of its API, that it speaks: `v1`, `v1.DRAPlugin`, … */
  readonly versions: readonly string[];
}

/**
 * Of one socket the calls come one after the other: `validate`, `register`, then `deregister` when the socket has gone or is
 * another one by now. A plugin that comes with a second socket is registered a second time before the first goes.
 */
export interface PluginHandler {
  /** @throws Error why it cannot be taken; the plugin is told */
  validate(plugin: Plugin): void;
  /** @throws Error what was wrong; the plugin is told, and it is tried again */
  register(plugin: Plugin): Promise<void>;
  deregister(plugin: Plugin): Promise<void>;
}
