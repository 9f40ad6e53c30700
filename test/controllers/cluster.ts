import { type Client, connect, loadKubeconfig, systemWorld } from '@keelson/client';
import { MetricsRegistry } from '@keelson/component/metrics/registry';
import { type ControllerSettings, defaultSettings, startControllers } from '@keelson/controllers';
import { startToyNodes, type ToyNodes } from '@keelson/controllers/testing/toy-nodes';
import { type ApiServer, startApiServer } from '../support/api-server.ts';

/** An API server with controllers on it, and nodes that only seem to run pods. */
export interface ControlledCluster {
  readonly server: ApiServer;
  readonly client: Client;
  readonly nodes: ToyNodes;
  /** What controllers complained of. */
  readonly complaints: object[];
  stop(): Promise<void>;
  /** What controllers have counted. */
  readonly metrics: MetricsRegistry;
}

/**
 * @param wanted controllers, as `--controllers`
 * @param args flags of the API server, to add
 */
export async function startControlled(
  wanted: readonly string[],
  nodeNames = ['n1', 'n2', 'n3'],
  { args = [], settings = {} }: { args?: readonly string[]; settings?: Partial<ControllerSettings> } = {},
): Promise<ControlledCluster> {
  const plugins = '--disable-admission-plugins=ServiceAccount,TaintNodesByCondition';
  const server = await startApiServer('memory', [plugins, ...args]);
  const complaints: object[] = [];
  const complain = (fields: object, message: string) => void complaints.push({ message, ...fields });
  const quiet = () => {};
  const world = systemWorld({ debug: quiet, info: quiet, warn: complain, error: complain });
  const config = await loadKubeconfig(server.kubeconfig);
  const clients: Client[] = [];
  const clientAs = (component: string, user?: string): Client => {
    const impersonate =
      user === undefined ? config.impersonate : { user, groups: ['system:serviceaccounts', 'system:authenticated'] };
    const client = connect({ ...config, impersonate }, { component, world });
    clients.push(client);
    return client;
  };
  const client = clientAs('test');
  const metrics = new MetricsRegistry();
  const controllers = await startControllers({
    client: clientAs('kube-controller-manager', 'system:kube-controller-manager'),
    clientFor: (account) => clientAs(account, `system:serviceaccount:kube-system:${account}`),
    wanted,
    settings: { ...defaultSettings, ...settings },
    metrics,
  });
  const nodes = await startToyNodes(clientAs('toy-nodes'), nodeNames);
  return {
    server,
    client,
    nodes,
    metrics,
    complaints,
    async stop() {
      await controllers.stop();
      await nodes.stop();
      for (const each of clients) each.close();
      await server.stop();
    },
  };
}
