/** The etcd whose members are machines of the control plane: who joins it, who leaves it (kubeadm/app/util/etcd). */
import type { Clock } from '@keelson/api/clock';
import { sleep } from '@keelson/client';
import { type Member, Membership } from '@keelson/storage/etcd/membership';
import { StartupError } from '../startup-error.ts';
import type { ClusterApi } from './api.ts';
import { certificateFile, keyFile } from './certificates.ts';
import type { EtcdMember } from './command-lines.ts';
import { etcdClientUrl } from './configuration/endpoints.ts';
import type { InstallContext } from './phase.ts';

const RETRY_MS = 500;
const CALL_MS = 2_000;

type Context = Pick<InstallContext, 'layout' | 'configuration' | 'clock'>;
type Open = (endpoints: readonly string[]) => Promise<Membership>;

/** Where members answer clients: as their pods say, or else beside the API servers. None where nobody is known. */
export async function etcdEndpoints(api: ClusterApi): Promise<string[]> {
  const pods = await api.list('pods', { namespace: 'kube-system', labelSelector: 'component=etcd,tier=control-plane' });
  const told = pods.flatMap(({ metadata }) => {
    const url = metadata.annotations?.['kubeadm.kubernetes.io/etcd.advertise-client-urls'];
    return url === undefined ? [] : [url];
  });
  if (told.length > 0) return told;
  const slices = await api.list('endpointslices.discovery.k8s.io', {
    namespace: 'default',
    labelSelector: 'kubernetes.io/service-name=kubernetes',
  });
  return slices.flatMap(({ endpoints }) =>
    (endpoints ?? []).flatMap(({ addresses }) => (addresses ?? []).map(etcdClientUrl)),
  );
}

/** Asks etcd with this machine's certificate of who asks how etcd is. All throw StartupError once the patience is over. */
export class EtcdCluster {
  readonly #clock: Clock;
  readonly #patienceMs: number;
  readonly #open: Open;
  #membership: Membership;

  private constructor(clock: Clock, patienceMs: number, open: Open, membership: Membership) {
    this.#clock = clock;
    this.#patienceMs = patienceMs;
    this.#open = open;
    this.#membership = membership;
  }

  /**
   * @param endpoints of some of its members: the others are asked for
   * @param patienceMs how long whatever fails is tried again
   */
  static async open(
    { layout, configuration, clock }: Context,
    endpoints: readonly string[],
    patienceMs = configuration.init.timeouts.etcdAPICall,
  ): Promise<EtcdCluster> {
    const { cluster } = configuration;
    const open: Open = (urls) =>
      Membership.open({
        endpoints: urls,
        timeoutMs: CALL_MS,
        clock,
        caFile: layout.local(certificateFile(cluster, 'etcd/ca')),
        certFile: layout.local(certificateFile(cluster, 'etcd/healthcheck-client')),
        keyFile: layout.local(keyFile(cluster, 'etcd/healthcheck-client')),
      }).catch((error: Error) => {
        throw new StartupError(error.message, "have its files made by 'keelson init phase certs', or restore them");
      });
    const etcd = new EtcdCluster(clock, patienceMs, open, await open(endpoints));
    try {
      await etcd.#synchronize();
      return etcd;
    } catch (error) {
      etcd.close();
      throw error;
    }
  }

  members(): Promise<Member[]> {
    return this.#persistently('its members cannot be listed', () => this.#membership.list());
  }

  /** @throws StartupError where no majority of those who vote is well */
  async checkHealth(): Promise<void> {
    const voters = votersOf(await this.members());
    const problems = (await Promise.all(voters.map((member) => this.#problemOf(member)))).filter(
      (problem) => problem !== undefined,
    );
    if (voters.length - problems.length > voters.length / 2) return;
    throw new StartupError(`etcd cluster is not healthy: ${problems.join('; ')}`, 'set that right first');
  }

  /**
   * Adds a member without a vote, where there is none at its address yet.
   * @returns all members, as its `--initial-cluster` has to name them
   */
  async addLearner({ name, peerUrl }: EtcdMember): Promise<EtcdMember[]> {
    const members = await this.#persistently(`the member ${peerUrl} cannot be added`, async () => {
      const known = await this.#membership.list();
      return known.some(isAt(peerUrl)) ? known : this.#membership.addLearner(peerUrl);
    });
    return members.map((member) => ({
      name: isAt(peerUrl)(member) ? name : member.name || member.id,
      peerUrl: member.peerUrls[0] ?? '',
    }));
  }

  /** Waits until the member has started and has what the others have, and gives it its vote. */
  async promote(peerUrl: string): Promise<void> {
    await this.#persistently(`the member ${peerUrl} cannot be promoted`, async () => {
      const member = (await this.#membership.list()).find(isAt(peerUrl));
      if (member === undefined) throw new Error('it is no member');
      if (!member.isLearner) return;
      if (member.name === '') throw new Error(`the etcd member ${member.id} is not started`);
      await this.#membership.promote(member.id);
    });
    await this.#synchronize();
  }

  /** Takes a member out of the cluster. @returns whether it was one, beside others */
  async remove(peerUrl: string): Promise<boolean> {
    // The member that answers may be the one that goes: what it did without a word is found done by the next try.
    let isAsked = false;
    return this.#persistently(`the member ${peerUrl} cannot be removed`, async () => {
      const members = await this.#membership.list();
      const member = members.find(isAt(peerUrl));
      if (member === undefined) return isAsked;
      if (members.length === 1) return false;
      isAsked = true;
      await this.#membership.remove(member.id);
      return true;
    });
  }

  close(): void {
    this.#membership.close();
  }

  /** From now on whoever has a vote is asked. */
  async #synchronize(): Promise<void> {
    const urls = votersOf(await this.members()).flatMap(({ clientUrls }) => clientUrls);
    if (urls.length === 0) return;
    const old = this.#membership;
    this.#membership = await this.#open(urls);
    old.close();
  }

  async #problemOf({ name, clientUrls }: Member): Promise<string | undefined> {
    const own = await this.#open(clientUrls);
    try {
      const problems = await own.problems();
      return problems.length === 0 ? undefined : `member ${name} is not healthy: ${problems.join(',')}`;
    } catch (error) {
      return `the status of member ${name} is not available: ${(error as Error).message}`;
    } finally {
      own.close();
    }
  }

  /** What fails is tried again: a leader may have to be elected, another member may just be joining. */
  async #persistently<T>(what: string, call: () => Promise<T>): Promise<T> {
    const until = this.#clock.now() + this.#patienceMs;
    for (;;) {
      try {
        return await call();
      } catch (error) {
        if (this.#clock.now() >= until)
          throw new StartupError(`etcd: ${what}: ${(error as Error).message}`, "see etcd's log, and run this again");
        await sleep(this.#clock, RETRY_MS);
      }
    }
  }
}

/** Only who has a vote answers all questions. */
const votersOf = (members: readonly Member[]) =>
  members.filter(({ isLearner, clientUrls }) => !isLearner && clientUrls.length > 0);

const isAt =
  (peerUrl: string) =>
  ({ peerUrls }: Member): boolean =>
    peerUrls.includes(peerUrl);
