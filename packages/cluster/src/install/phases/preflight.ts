import { createServer } from 'node:net';
import { contains } from '@keelson/proxy/addresses';
import { StartupError } from '../../startup-error.ts';
import { extraArgument } from '../command-lines.ts';
import { addressOf } from '../configuration/endpoints.ts';
import { manifestFile, unitFile } from '../layout.ts';
import type { InstallContext, Phase } from '../phase.ts';

/** What stands in the way, by kubeadm's names of its checks. */
interface Check {
  readonly name: string;
  /** @returns what is wrong */
  run(context: InstallContext): Promise<string | undefined>;
}

/** Nothing of this installation has been written yet, so nothing of it runs. */
async function isFresh({ files }: InstallContext): Promise<boolean> {
  const written = [manifestFile('kube-apiserver'), unitFile('kube-apiserver')];
  return !(await Promise.all(written.map((path) => files.exists(path)))).includes(true);
}

function portCheck(part: string, port: (context: InstallContext) => number | undefined): Check {
  return {
    name: 'Port',
    async run(context) {
      const number = port(context);
      if (number === undefined || !context.layout.isThisMachine || !(await isFresh(context))) return undefined;
      return (await isFree(number)) ? undefined : `port ${number}, for ${part}, is in use`;
    },
  };
}

const isFree = (port: number) =>
  new Promise<boolean>((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, () => server.close(() => resolve(true)));
  });

const checks: readonly Check[] = [
  {
    name: 'IsPrivilegedUser',
    run: async ({ layout }) =>
      layout.root === '' && process.getuid?.() !== 0 ? 'who installs on this machine has to be root' : undefined,
  },
  portCheck('the API server', ({ configuration }) => configuration.init.localApiEndpoint.bindPort),
  portCheck('the controller manager', ({ configuration }) =>
    Number(extraArgument(configuration.cluster.controllerManager.extraArgs, 'secure-port') ?? 10257),
  ),
  portCheck('the scheduler', ({ configuration }) =>
    Number(extraArgument(configuration.cluster.scheduler.extraArgs, 'secure-port') ?? 10259),
  ),
  portCheck('etcd', ({ configuration: { cluster } }) => {
    if (cluster.etcd.external) return undefined;
    const urls = extraArgument(cluster.etcd.local.extraArgs, 'listen-client-urls');
    const [first = ''] = urls?.split(',') ?? [];
    return URL.canParse(first) ? Number(new URL(first).port) || undefined : 2379;
  }),
  {
    // Whatever goes there and is no service is dropped by the proxy.
    name: 'ServiceSubnet',
    run: async ({ configuration: { cluster, init } }) => {
      const ranges = cluster.networking.serviceSubnet.split(',').map((text) => text.trim());
      const address = addressOf(init);
      return contains(ranges, address)
        ? `${address}, this machine's address, is among those of services: ${ranges.join(',')}`
        : undefined;
    },
  },
  {
    name: 'DirAvailable--var-lib-etcd',
    async run({ files, layout, configuration }) {
      const { local } = configuration.cluster.etcd;
      if (local === undefined || (await files.exists(manifestFile('etcd'))) || (await files.exists(unitFile('etcd'))))
        return undefined;
      const has = await files.list(local.dataDir);
      return has.length === 0 ? undefined : `${layout.local(local.dataDir)} is not empty`;
    },
  },
  {
    name: 'FileExisting-etcd',
    async run({ systemd, configuration, etcdVersion, layout }) {
      if (!systemd || configuration.cluster.etcd.local === undefined || !layout.isThisMachine) return undefined;
      return etcdVersion === '' ? 'there is no program etcd in the PATH' : undefined;
    },
  },
];

export const preflightPhase: Phase = {
  name: 'preflight',
  summary: 'See whether anything stands in the way',
  async run(context) {
    const { configuration, report } = context;
    const ignored = new Set(
      configuration.init.nodeRegistration.ignorePreflightErrors.map((name) => name.toLowerCase()),
    );
    const problems: string[] = [];
    for (const { name, run } of checks) {
      const problem = await run(context);
      if (problem === undefined) continue;
      if (ignored.has('all') || ignored.has(name.toLowerCase())) report(`[preflight] WARNING: ${name}: ${problem}`);
      else problems.push(`${name}: ${problem}`);
    }
    if (problems.length > 0)
      throw new StartupError(problems.join('; '), 'set that right, or name it in --ignore-preflight-errors');
    report('[preflight] nothing stands in the way');
  },
};
