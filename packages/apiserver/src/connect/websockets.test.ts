import { StatusError } from '@keelson/api/errors';
import { expect, it } from 'vitest';
import type { Gate } from '../gates.ts';
import { parseRequestInfo } from '../requestinfo.ts';
import { type ConnectDeps, type ConnectScope, connect } from './index.ts';

/** @returns what is counted of a stream: whether the kubelet of a node with these features takes its websocket itself */
async function counted(subresource: string, features: readonly string[], off: readonly Gate[]): Promise<boolean[]> {
  const streams: boolean[] = [];
  const pod = { metadata: { name: 'p' }, spec: { nodeName: 'n', containers: [{ name: 'c' }] } };
  const deps = {
    locator: {
      objects: { getLive: async () => pod },
      kubelets: { of: async () => ({ backend: () => ({}), features }) },
    },
    isEnabled: (gate: Gate) => !off.includes(gate),
    streamed: (_: string, byKubelet: boolean) => void streams.push(byKubelet),
  } as unknown as ConnectDeps;
  const scope = {
    ctx: {
      info: parseRequestInfo('POST', `/api/v1/namespaces/ns/pods/p/${subresource}?command=id`),
      exchange: { headers: {} },
      warnings: [],
      auditAnnotations: {},
    },
    served: { definition: { group: '', resource: 'pods', kind: 'Pod' }, version: 'v1' },
    subresource: { name: subresource, kind: 'PodExecOptions' },
    admission: { mutate: async () => {}, validate: async () => {}, find: () => [] },
  } as unknown as ConnectScope;
  // It ends there: nobody has asked for an upgrade.
  await expect(connect(scope, deps)).rejects.toThrow(StatusError);
  return streams;
}

const able = ['ExtendWebSocketsToKubelet'];

it.each<[string, readonly string[], readonly Gate[], boolean[]]>([
  ['exec', able, [], [true]],
  ['exec', [], [], [false]],
  ['portforward', able, [], [true]],
  ['attach', able, ['ExtendWebSocketsToKubelet'], [false]],
  ['attach', able, ['PortForwardWebsockets'], [true]],
  ['exec', [], ['TranslateStreamCloseWebsocketRequests'], []],
  ['portforward', [], ['PortForwardWebsockets'], []],
])('%s on a node with %j, without %j', async (subresource, features, off, expected) => {
  expect(await counted(subresource, features, off)).toEqual(expected);
});
