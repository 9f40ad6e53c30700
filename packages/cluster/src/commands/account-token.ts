import type { TokenRequest } from '@keelson/api/generated/types/authentication/v1';
import { connect, systemWorld } from '@keelson/client';
import { FlagError, type FlagTable, type FlagValues, parseFlags } from '@keelson/component/pflag/flags';
import { usage } from '@keelson/component/pflag/usage';
import { readKubeconfig } from '../connection.ts';
import { askerOf } from '../install/addons/account.ts';
import { EXEC_API } from '../install/kubeconfigs.ts';
import { StartupError } from '../startup-error.ts';
import { type Command, outcomeOf } from './command.ts';
import type { Io } from './io.ts';

const section = 'Options';

const flags = {
  account: { type: 'string', section },
  kubeconfig: { type: 'string', section },
  'node-name': { type: 'string', section },
  ttl: { type: 'duration', section, default: '1h0m0s' },
  help: { type: 'bool', shorthand: 'h', section },
} as const satisfies FlagTable;

const descriptions = {
  account: 'Service account of kube-system whose token it is to be.',
  kubeconfig: "The kubelet's, as which it is asked for.",
  'node-name': 'Node of this machine: the token ends with it.',
  ttl: 'How long it lasts.',
  help: 'Show this help.',
};

const head = `Tells a token of a service account to who runs a part of a node outside of pods, as kubeconfigs ask programs for it
(client.authentication.k8s.io/v1 ExecCredential). It is to be renewed when four fifths of its life are over.

Usage:
  keelson account-token --account NAME --kubeconfig FILE --node-name NAME [flags]
`;

/** Of its life, what has to be over before another is asked for, as the kubelet does with tokens of pods. */
const RENEW_AFTER = 0.8;

export const command: Command = { flags, descriptions, run: accountToken };

/** `keelson account-token`. @returns the exit code */
export function accountToken(argv: readonly string[], io: Io): Promise<number> {
  return outcomeOf('keelson account-token', io, async () => {
    const { values, args } = parseFlags(flags, argv);
    if (values.help) return io.stdout(`${head}\n${usage(flags, descriptions, io.columns)}`);
    if (args.length > 0) throw new FlagError(`"keelson account-token" does not take any arguments, got "${args[0]}"`);
    for (const flag of ['account', 'node-name'] as const)
      if (values[flag] === '') throw new FlagError(`--${flag} is required`);
    io.stdout(`${JSON.stringify(await credential(values))}\n`);
  });
}

/** @throws StartupError */
async function credential(values: FlagValues<typeof flags>): Promise<object> {
  const { account: name, kubeconfig, ttl } = values;
  const config = await readKubeconfig(kubeconfig);
  const world = systemWorld();
  const client = connect({ ...config, impersonate: { user: askerOf(name) } }, { component: 'keelson', world });
  try {
    const asked = await client
      .resource('serviceaccounts')
      .subresource('token')
      .create({ namespace: 'kube-system', name }, request(values['node-name'], Math.round(ttl / 1_000)));
    const { spec, status } = asked as TokenRequest;
    const renewAt = world.clock.now() + (spec.expirationSeconds ?? 0) * 1_000 * RENEW_AFTER;
    const expirationTimestamp = new Date(renewAt).toISOString();
    return { kind: 'ExecCredential', apiVersion: EXEC_API, status: { token: status!.token, expirationTimestamp } };
  } catch (error) {
    throw new StartupError(
      `no token of the account kube-system/${name}: ${(error as Error).message}`,
      "see that the node is registered, and run 'keelson init phase addon' where rights are missing",
    );
  } finally {
    client.close();
  }
}

const request = (node: string, expirationSeconds: number) => ({
  apiVersion: 'authentication.k8s.io/v1',
  kind: 'TokenRequest',
  spec: { audiences: [], expirationSeconds, boundObjectRef: { apiVersion: 'v1', kind: 'Node', name: node } },
});
