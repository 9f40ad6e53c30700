import { quote } from '@keelson/component/go/strconv';
import { KUBERNETES_VERSION, keelsonVersion } from '@keelson/component/version';
import type { Io } from './io.ts';

const help = `Keelson is a Kubernetes control plane in one process.

Usage:
  keelson <command> [flags]

Commands:
  up             Start a cluster on this machine, or start it again with all its data.
  init           Install a control plane on this machine: certificates, kubeconfigs, static pods or services.
  join           Make this machine a node of a cluster, or one more of its control plane.
  token          Make, show and end the tokens by which machines join.
  certs          Tell when the certificates of an installation end, and renew them.
  upgrade        Bring what init and join installed to this release, and to the cluster's configuration.
  reset          Undo what init and join did to this machine.
  kube-proxy     Carry traffic to the addresses of services on this machine.
  pod-network    Make one network of the pods of all nodes, on this one.
  dns            Answer for the names of services and pods.
  copy-store     Copy an embedded store to an etcd, on which the cluster goes on.
  account-token  Tell a token of a service account to a unit of this machine.
  why-pending    Tell why a pod has no node.
  version        Show the versions of Keelson and of the Kubernetes API.
  help           Show this help, or that of a command.

'keelson <command> --help' tells more about a command.
To run the API server alone, with upstream's flags: kube-apiserver --help.
`;

/** The `keelson` command. @returns its exit code */
export async function keelson(argv: readonly string[], io: Io): Promise<number> {
  const [command, ...rest] = argv;
  switch (command) {
    case undefined:
    case '-h':
    case '--help':
      io.stdout(help);
      return 0;
    case 'help':
      return keelson(rest[0] === undefined ? [] : [rest[0], '--help'], io);
    case 'version':
    case '--version':
      return version(io);
    case 'up':
      return (await import('./up.ts')).up(rest, io);
    case 'init':
      return (await import('./init.ts')).init(rest, io);
    case 'join':
      return (await import('./join.ts')).join(rest, io);
    case 'token':
      return (await import('./token.ts')).token(rest, io);
    case 'account-token':
      return (await import('./account-token.ts')).accountToken(rest, io);
    case 'certs':
      return (await import('./certs.ts')).certs(rest, io);
    case 'upgrade':
      return (await import('./upgrade.ts')).upgrade(rest, io);
    case 'reset':
      return (await import('./reset.ts')).reset(rest, io);
    case 'kube-proxy':
      return (await import('../kube-proxy/command.ts')).kubeProxy(rest, io);
    case 'pod-network':
      return (await import('../pod-network/command.ts')).podNetwork(rest, io);
    case 'dns':
      return (await import('../dns/command.ts')).dns(rest, io);
    case 'copy-store':
      return (await import('./copy-store.ts')).copyStoreCommand(rest, io);
    case 'why-pending':
      return (await import('./why-pending.ts')).whyPending(rest, io);
    default: {
      const what = command.startsWith('-') ? `unknown flag: ${command}` : `unknown command ${quote(command)}`;
      io.stderr(`Error: ${what} for "keelson"\nRun 'keelson --help' for usage.\n`);
      return 1;
    }
  }
}

function version(io: Io): number {
  io.stdout(`Keelson ${keelsonVersion} (Kubernetes ${KUBERNETES_VERSION.gitVersion}, Node.js ${process.version})\n`);
  return 0;
}
