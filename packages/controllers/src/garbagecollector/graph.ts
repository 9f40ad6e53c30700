/**
 * Who owns whom, as far as it was heard of (pkg/controller/garbagecollector/graph_builder.go). Nodes are found by uid. A node
 * that only its dependents speak of is virtual: what it is called they may be wrong about, and whether it exists somebody
 * has to ask the server.
 *
 *     ADDED, MODIFIED ─▶ node, its owners' dependents ─▶ what has to be looked at again: to be deleted, or to be let go
 *     DELETED         ─▶ the node goes; its dependents, and the owners that wait for it, are looked at again
 */
import type { OwnerReference } from '@keelson/api/generated/types/meta/v1';
import type { TypedObject } from '@keelson/api/object';

export const ORPHAN = 'orphan';
export const FOREGROUND = 'foregroundDeletion';

/** Where an object is to be asked for. */
export interface Identity {
  readonly apiVersion: string;
  readonly kind: string;
  /** Empty for what is in no namespace. */
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
}

export interface Node {
  identity: Identity;
  owners: readonly OwnerReference[];
  readonly dependents: Set<Node>;
  /** Heard of only as an owner. */
  isVirtual: boolean;
  isDeleting: boolean;
  /** Waits until its blocking dependents are gone. */
  isDeletingDependents: boolean;
  /** Waits until its dependents are let go. */
  isOrphaning: boolean;
}

/** What the graph asks for after a change. */
export interface Duties {
  /** Whether it has to be deleted is to be found out. */
  check(node: Node): void;
  /** Its dependents are to be let go. */
  orphan(node: Node): void;
  /** Refers to an owner in another namespace, which cannot be. */
  invalidNamespace(dependent: Node, ownerUid: string): void;
}

export class Graph {
  readonly #nodes = new Map<string, Node>();
  readonly #duties: Duties;
  /** Owners that are known to be gone. */
  readonly absent = new RecentIdentities(500);

  constructor(duties: Duties) {
    this.#duties = duties;
  }

  get(uid: string): Node | undefined {
    return this.#nodes.get(uid);
  }

  /** An object is there, or has changed. */
  observe(apiVersion: string, kind: string, { metadata }: TypedObject): void {
    const { namespace = '', name = '', uid = '' } = metadata;
    const identity = { apiVersion, kind, namespace, name, uid };
    const owners = metadata.ownerReferences ?? [];
    const finalizers = metadata.finalizers ?? [];
    const isDeleting = metadata.deletionTimestamp !== undefined;
    let node = this.#nodes.get(uid);
    if (!node) {
      node = { ...NEW, identity, owners, dependents: new Set(), isVirtual: false };
      this.#nodes.set(uid, node);
      this.#join(node, owners);
    } else {
      if (node.isVirtual) this.#meet(node, identity);
      this.#changeOwners(node, owners);
    }
    node.isDeleting ||= isDeleting;
    if (isDeleting && finalizers.includes(ORPHAN) && !node.isOrphaning) {
      node.isOrphaning = true;
      this.#duties.orphan(node);
    }
    if (isDeleting && finalizers.includes(FOREGROUND) && !node.isDeletingDependents) {
      node.isDeletingDependents = true;
      for (const dependent of node.dependents) this.#duties.check(dependent);
      this.#duties.check(node);
    }
  }

  /** An object is gone, an informer says. */
  forget(uid: string): void {
    const node = this.#nodes.get(uid);
    if (node) this.#remove(node);
  }

  /**
   * The server does not know an object by that identity. What its dependents mean may exist under another one: then the node
   * stays, and is asked for under that.
   */
  notFound(identity: Identity): void {
    const node = this.#nodes.get(identity.uid);
    if (!node) return;
    if (!node.isVirtual && sameIdentity(node.identity, identity)) {
      this.#remove(node);
      return;
    }
    const [matching, others] = partition(node.dependents, identity);
    if (node.isVirtual && others.length === 0) {
      this.#remove(node);
      return;
    }
    if (matching.length > 0) this.absent.add(identity);
    for (const dependent of matching) this.#duties.check(dependent);
    if (!node.isVirtual || !sameIdentity(node.identity, identity)) return;
    const other = alternative(others, identity);
    if (!other) return;
    node.identity = other;
    this.#duties.check(node);
  }

  /** The virtual node is an object after all. Dependents that call it otherwise may have no owner. */
  #meet(node: Node, identity: Identity): void {
    node.isVirtual = false;
    if (sameIdentity(node.identity, identity)) return;
    for (const dependent of partition(node.dependents, identity)[1]) this.#mistaken(dependent, identity);
    node.identity = identity;
  }

  #mistaken(dependent: Node, owner: Identity): void {
    if (owner.namespace !== '' && owner.namespace !== dependent.identity.namespace) {
      this.#duties.invalidNamespace(dependent, owner.uid);
    }
    this.#duties.check(dependent);
  }

  #join(node: Node, owners: readonly OwnerReference[]): void {
    for (const reference of owners) {
      let owner = this.#nodes.get(reference.uid);
      if (!owner) {
        const identity = { ...coordinates(reference), namespace: node.identity.namespace };
        owner = { ...NEW, identity, owners: [], dependents: new Set(), isVirtual: true };
        this.#nodes.set(reference.uid, owner);
        owner.dependents.add(node);
        this.#duties.check(owner);
        continue;
      }
      owner.dependents.add(node);
      const isWrong = !refersTo(reference, node.identity.namespace, owner.identity);
      // Of a virtual owner nobody knows yet who is right.
      if (isWrong && !owner.isVirtual) this.#mistaken(node, owner.identity);
      else if (isWrong) this.#duties.check(owner);
    }
  }

  #changeOwners(node: Node, owners: readonly OwnerReference[]): void {
    const before = new Map(node.owners.map((reference) => [reference.uid, reference]));
    const after = new Map(owners.map((reference) => [reference.uid, reference]));
    const added = owners.filter(({ uid }) => !before.has(uid));
    node.owners = owners;
    for (const [uid, old] of before) {
      const now = after.get(uid);
      const unblocks = old.blockOwnerDeletion && !now?.blockOwnerDeletion;
      const owner = this.#nodes.get(uid);
      if (unblocks && owner?.isDeletingDependents) this.#duties.check(owner);
      if (!now) owner?.dependents.delete(node);
    }
    this.#join(node, added);
  }

  #remove(node: Node): void {
    const { uid } = node.identity;
    this.#nodes.delete(uid);
    for (const reference of node.owners) {
      const owner = this.#nodes.get(reference.uid);
      owner?.dependents.delete(node);
      if (owner?.isDeletingDependents) this.#duties.check(owner);
    }
    if (node.dependents.size > 0) this.absent.add(node.identity);
    for (const dependent of node.dependents) this.#duties.check(dependent);
  }
}

const NEW = { isDeleting: false, isDeletingDependents: false, isOrphaning: false };

/** Dependents that stand in the way of an owner that is deleted in the foreground. */
export function blockingDependents(owner: Node): Node[] {
  const blocks = ({ owners }: Node) =>
    owners.some(({ uid, blockOwnerDeletion }) => uid === owner.identity.uid && blockOwnerDeletion);
  return [...owner.dependents].filter(blocks);
}

export function coordinates({ apiVersion, kind, name, uid }: OwnerReference) {
  return { apiVersion, kind, name, uid };
}

function refersTo(reference: OwnerReference, namespace: string, owner: Identity): boolean {
  const { apiVersion, kind, name, uid } = owner;
  const sameNamespace = owner.namespace === '' || owner.namespace === namespace;
  const same = reference.apiVersion === apiVersion && reference.kind === kind && reference.name === name;
  return sameNamespace && same && reference.uid === uid;
}

function sameIdentity(a: Identity, b: Identity): boolean {
  return keyOfIdentity(a) === keyOfIdentity(b);
}

/** Those that mean exactly this owner, and those that mean its uid by another name; one may be both. */
function partition(dependents: Iterable<Node>, owner: Identity): [matching: Node[], others: Node[]] {
  const [matching, others]: [Node[], Node[]] = [[], []];
  for (const dependent of dependents) {
    const references = dependent.owners.filter(({ uid }) => uid === owner.uid);
    const fits = references.map((reference) => refersTo(reference, dependent.identity.namespace, owner));
    if (fits.includes(true)) matching.push(dependent);
    if (fits.includes(false)) others.push(dependent);
  }
  return [matching, others];
}

/** The next identity, in a fixed order, that dependents know the same uid by. */
function alternative(dependents: readonly Node[], absent: Identity): Identity | undefined {
  const seen = new Map<string, Identity>();
  for (const { owners, identity } of dependents) {
    for (const reference of owners) {
      if (reference.uid !== absent.uid) continue;
      const sameKind = reference.apiVersion === absent.apiVersion && reference.kind === absent.kind;
      const namespace = absent.namespace === '' && sameKind ? '' : identity.namespace;
      const candidate = { ...coordinates(reference), namespace };
      seen.set(keyOfIdentity(candidate), candidate);
    }
  }
  const tried = keyOfIdentity(absent);
  seen.delete(tried);
  const keys = [...seen.keys()].sort();
  return seen.get(keys.find((key) => key > tried) ?? keys[0] ?? '');
}

function keyOfIdentity({ kind, apiVersion, namespace, name, uid }: Identity): string {
  return [kind, apiVersion, namespace, name, uid].join('\0');
}

/** The last so many that were added. */
class RecentIdentities {
  readonly #keys = new Set<string>();
  readonly #capacity: number;

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  add(identity: Identity): void {
    const key = keyOfIdentity(identity);
    this.#keys.delete(key);
    this.#keys.add(key);
    if (this.#keys.size <= this.#capacity) return;
    const [oldest] = this.#keys;
    this.#keys.delete(oldest!);
  }

  has(identity: Identity): boolean {
    return this.#keys.has(keyOfIdentity(identity));
  }
}
