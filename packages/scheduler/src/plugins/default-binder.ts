import type { Plugin, PluginContext } from '../framework/plugin.ts';

/** Tells the API server the pod's node. */
export function defaultBinder(_: unknown, { writer }: PluginContext): Plugin {
  return {
    name: 'DefaultBinder',
    async bind({ namespace, name, uid }, node, signal) {
      const binding = { metadata: { namespace, name, uid }, target: { kind: 'Node', name: node } };
      await writer!.client.resource('pods').subresource('binding').create({ namespace, name }, binding, { signal });
      return undefined;
    },
  };
}
