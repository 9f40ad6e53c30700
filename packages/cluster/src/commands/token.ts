import { readFile } from 'node:fs/promises';
import type { Secret } from '@keelson/api/generated/types/core/v1';
import { type Client, type ClusterConfig, connect, hasReason, systemWorld } from '@keelson/client';
import { FlagError, type FlagTable, type FlagValues, parseFlags } from '@keelson/component/pflag/flags';
import { usage } from '@keelson/component/pflag/usage';
import { readKubeconfig, refusal } from '../connection.ts';
import { certificateKeyProblem } from '../install/certificate-key.ts';
import { authorityHashes } from '../install/cluster-info.ts';
import { defaultToken, splitToken } from '../install/configuration/init.ts';
import type { BootstrapToken } from '../install/configuration/types.ts';
import { tokenProblems } from '../install/configuration/validation.ts';
import { joinCommand } from '../install/join-command.ts';
import { KUBECONFIG_FILES, Layout } from '../install/layout.ts';
import { newToken } from '../install/machine.ts';
import { bootstrapSecret, bootstrapSecretName, TOKEN_SECRET, tokenOf } from '../install/tokens.ts';
import { StartupError } from '../startup-error.ts';
import { type Command, outcomeOf } from './command.ts';
import type { Io } from './io.ts';
import { residual, table } from './table.ts';

const general = { section: 'General' } as const;
const create = { section: 'Create' } as const;

const flags = {
  kubeconfig: { type: 'string', ...general },
  root: { type: 'string', ...general },
  output: { type: 'string', shorthand: 'o', ...general, default: 'text' },
  help: { type: 'bool', shorthand: 'h', ...general },
  ttl: { type: 'duration', ...create, default: '24h0m0s' },
  usages: { type: 'strings', ...create, default: defaultToken.usages.join(',') },
  groups: { type: 'strings', ...create, default: defaultToken.groups.join(',') },
  description: { type: 'string', ...create },
  'print-join-command': { type: 'bool', ...create },
  'certificate-key': { type: 'string', ...create },
} as const satisfies FlagTable;

type Values = FlagValues<typeof flags>;

const descriptions = {
  kubeconfig: 'File that tells where the cluster is. Default: $KUBECONFIG, or /etc/kubernetes/admin.conf.',
  root: "Folder below which 'keelson init --root' has put everything.",
  output: 'text, or json.',
  help: 'Show this help.',
  ttl: 'How long it lasts; 0: for ever.',
  usages: 'What it is good for: signing, authentication.',
  groups: 'What who shows it is one of: system:bootstrappers:…',
  description: 'What is to be known of it.',
  'print-join-command': 'Show how a machine joins by it, not the token alone.',
  'certificate-key':
    "Beside --print-join-command: show how a machine joins the control plane, with the key of 'keelson init phase upload-certs'.",
};

const head = `Makes, shows and ends the tokens by which machines join a cluster.

Usage:
  keelson token create [TOKEN] [flags]   make one; without TOKEN one that nobody can guess
  keelson token list [flags]
  keelson token delete TOKEN… [flags]    whole, or the part before the dot
  keelson token generate                 show one that could be, and tell nobody
`;

export const command: Command = {
  flags,
  descriptions,
  words: [
    { name: 'create', summary: 'Make one.' },
    { name: 'list', summary: 'Show those that are there.' },
    { name: 'delete', summary: 'End one.' },
    { name: 'generate', summary: 'Show one that could be, and tell nobody.' },
  ],
  run: token,
};

/** `keelson token` (kubeadm/app/cmd/token.go). @returns the exit code */
export function token(argv: readonly string[], io: Io): Promise<number> {
  return outcomeOf('keelson token', io, async () => {
    const { values, args } = parseFlags(flags, argv);
    const [verb, ...names] = args;
    if (values.help || verb === undefined) return io.stdout(`${head}${usage(flags, descriptions, io.columns)}`);
    if (verb === 'create' && names.length <= 1) return io.stdout(`${await made(values, names[0], io)}\n`);
    if (verb === 'list' && names.length === 0) return io.stdout(await listed(values, io));
    if (verb === 'delete') return io.stdout(await deleted(values, names, io));
    if (verb === 'generate' && names.length === 0) return io.stdout(`${newToken()}\n`);
    throw new FlagError(`"keelson token" knows create, list, delete and generate, not "${args.join(' ')}"`);
  });
}

/** @returns what is shown of it */
async function made(values: Values, given: string | undefined, io: Io): Promise<string> {
  const { ttl: ttlMs, usages, groups, description } = values;
  const [wrong] = tokenProblems({ usages, groups });
  if (wrong !== undefined) throw new FlagError(`--${wrong}`);
  const keyProblem = values['certificate-key'] === '' ? undefined : certificateKeyProblem(values['certificate-key']);
  if (keyProblem !== undefined) throw new FlagError(`--certificate-key: ${keyProblem}`);
  const bootstrap: BootstrapToken = { token: given ?? newToken(), ttlMs, usages, groups, description, expires: '' };
  const id = idOf(bootstrap.token, true);
  return withCluster(values, io, async (client, config) => {
    const shown = values['print-join-command']
      ? await joinCommandOf(config, bootstrap.token, values['certificate-key'])
      : bootstrap.token;
    const secret = bootstrapSecret(bootstrap, client.world.clock.now());
    await client
      .resource('secrets')
      .create(secret)
      .catch((error) => {
        if (!hasReason(error, 'AlreadyExists')) throw error;
        throw new StartupError(`a token with id "${id}" already exists`, 'choose another, or have one made');
      });
    return shown;
  });
}

async function joinCommandOf(
  { server, tls: { ca } }: ClusterConfig,
  shown: string,
  certificateKey: string,
): Promise<string> {
  if (!ca) throw new StartupError('the kubeconfig names no authority of the cluster', 'take admin.conf of the cluster');
  const text = 'text' in ca ? ca.text : await readFile(ca.file, 'utf8');
  return joinCommand({
    endpoint: new URL(server).host,
    token: shown,
    caHashes: authorityHashes(text),
    controlPlane: certificateKey === '' ? undefined : { certificateKey, systemd: false },
  });
}

function listed(values: Values, io: Io): Promise<string> {
  const { output } = values;
  if (output !== 'text' && output !== 'json') throw new FlagError(`--output ${output} is unknown: choose text or json`);
  return withCluster(values, io, async (client) => {
    const secrets: Secret[] = [];
    const options = { namespace: 'kube-system', fieldSelector: `type=${TOKEN_SECRET}` };
    for await (const page of client.resource('secrets').pages(options)) secrets.push(...page.items);
    const tokens = secrets.flatMap((secret) => tokenOf(secret) ?? []);
    if (output === 'json') return `${JSON.stringify(tokens.map(shownOf), null, 2)}\n`;
    const now = client.world.clock.now();
    const rows = tokens.map(({ token, expires, usages, description, groups }) => [
      token,
      expires === '' ? '<forever>' : residual(Date.parse(expires) - now),
      expires || '<never>',
      usages.join(',') || '<none>',
      description || '<none>',
      groups.join(',') || '<none>',
    ]);
    return table([['TOKEN', 'TTL', 'EXPIRES', 'USAGES', 'DESCRIPTION', 'EXTRA GROUPS'], ...rows]);
  });
}

const shownOf = ({ ttlMs: _, ...token }: BootstrapToken) => token;

function deleted(values: Values, names: readonly string[], io: Io): Promise<string> {
  if (names.length === 0) throw new FlagError('say which: a token, or the part before its dot');
  const ids = names.map((name) => idOf(name, false));
  return withCluster(values, io, async (client) => {
    for (const id of ids) {
      const ref = { namespace: 'kube-system', name: bootstrapSecretName(id) };
      await client
        .resource('secrets')
        .delete(ref)
        .catch((error) => {
          if (!hasReason(error, 'NotFound')) throw error;
          throw new StartupError(`there is no token "${id}"`, "'keelson token list' shows those that are there");
        });
    }
    return ids.map((id) => `bootstrap token "${id}" deleted\n`).join('');
  });
}

/** @param whole whether the part before the dot alone is none. @throws FlagError */
function idOf(name: string, whole: boolean): string {
  if (!whole && /^[a-z0-9]{6}$/.test(name)) return name;
  try {
    return splitToken(name).id;
  } catch (error) {
    throw new FlagError((error as Error).message);
  }
}

/** @throws StartupError for what the server, or the way to it, says no to */
async function withCluster<T>(
  { kubeconfig, root }: Values,
  io: Io,
  use: (client: Client, config: ClusterConfig) => Promise<T>,
): Promise<T> {
  const file = kubeconfig || (root === '' && io.env.KUBECONFIG) || new Layout({ root }).local(KUBECONFIG_FILES.admin);
  const config = await readKubeconfig(file);
  const client = connect(config, { component: 'keelson', world: systemWorld() });
  try {
    return await use(client, config);
  } catch (error) {
    if (error instanceof StartupError) throw error;
    throw await refusal(error, { file, config, who: 'an administrator' }, client.world.clock.now());
  } finally {
    client.close();
  }
}
