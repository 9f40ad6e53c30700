import { quote } from '@keelson/component/go/strconv';
import { meantBy } from '@keelson/component/pflag/flags';
import { KUBERNETES_VERSION, keelsonVersion } from '@keelson/component/version';
import { COMPLETE, type Commands } from './command.ts';
import type { Io } from './io.ts';

const commands: Commands = {
  up: {
    summary: 'Start a cluster on this machine, or start it again with all its data.',
    load: async () => (await import('./up.ts')).command,
  },
  init: {
    summary: 'Install a control plane on this machine: certificates, kubeconfigs, static pods or services.',
    load: async () => (await import('./init.ts')).command,
  },
  join: {
    summary: 'Make this machine a node of a cluster, or one more of its control plane.',
    load: async () => (await import('./join.ts')).command,
  },
  token: {
    summary: 'Make, show and end the tokens by which machines join.',
    load: async () => (await import('./token.ts')).command,
  },
  certs: {
    summary: 'Tell when the certificates of an installation end, and renew them.',
    load: async () => (await import('./certs.ts')).command,
  },
  upgrade: {
    summary: "Bring what init and join installed to this release, and to the cluster's configuration.",
    load: async () => (await import('./upgrade.ts')).command,
  },
  reset: {
    summary: 'Undo what init and join did to this machine.',
    load: async () => (await import('./reset.ts')).command,
  },
  'kube-proxy': {
    summary: 'Carry traffic to the addresses of services on this machine.',
    load: async () => (await import('../kube-proxy/command.ts')).command,
  },
  'pod-network': {
    summary: 'Make one network of the pods of all nodes, on this one.',
    load: async () => (await import('../pod-network/command.ts')).command,
  },
  dns: {
    summary: 'Answer for the names of services and pods.',
    load: async () => (await import('../dns/command.ts')).command,
  },
  'copy-store': {
    summary: 'Copy an embedded store to an etcd, on which the cluster goes on.',
    load: async () => (await import('./copy-store.ts')).command,
  },
  'account-token': {
    summary: 'Tell a token of a service account to a unit of this machine.',
    load: async () => (await import('./account-token.ts')).command,
  },
  'why-pending': {
    summary: 'Tell why a pod has no node.',
    load: async () => (await import('./why-pending.ts')).command,
  },
  completion: {
    summary: 'Show what makes bash, zsh or fish complete these commands.',
    load: async () => (await import('./completion.ts')).command,
  },
  version: {
    summary: 'Show the versions of Keelson and of the Kubernetes API.',
    load: async () => ({ flags: {}, descriptions: {}, run: async (_, io) => version(io) }),
  },
  help: {
    summary: 'Show this help, or that of a command.',
    load: async () => ({
      flags: {},
      descriptions: {},
      words: Object.entries(commands).map(([name, { summary }]) => ({ name, summary })),
      run: async ([command, ...words], io) => keelson(command === undefined ? [] : [command, ...words, '--help'], io),
    }),
  },
};

const width = Math.max(...Object.keys(commands).map((name) => name.length)) + 2;

const help = () => `Keelson is a Kubernetes control plane in one process.

Usage:
  keelson <command> [flags]

Commands:
${Object.entries(commands)
  .map(([name, { summary }]) => `  ${name.padEnd(width)}${summary}\n`)
  .join('')}
'keelson <command> --help' tells more about a command.
To run the API server alone, with upstream's flags: kube-apiserver --help.
`;

/** The `keelson` command. @returns its exit code */
export async function keelson(argv: readonly string[], io: Io): Promise<number> {
  const [name, ...rest] = argv;
  switch (name) {
    case undefined:
    case '-h':
    case '--help':
      io.stdout(help());
      return 0;
    case '--version':
      return version(io);
    case COMPLETE:
      return (await import('./completion.ts')).complete(commands, rest, io);
  }
  if (Object.hasOwn(commands, name)) return (await commands[name]!.load()).run(rest, io);
  const what = name.startsWith('-') ? `unknown flag: ${name}` : `unknown command ${quote(name)}`;
  const meant = meantBy(name, Object.keys(commands));
  const suggestion = meant === undefined ? '' : `Did you mean ${meant}?\n`;
  io.stderr(`Error: ${what} for "keelson"\n${suggestion}Run 'keelson --help' for usage.\n`);
  return 1;
}

function version(io: Io): number {
  io.stdout(`Keelson ${keelsonVersion} (Kubernetes ${KUBERNETES_VERSION.gitVersion}, Node.js ${process.version})\n`);
  return 0;
}
