/**
 * What is special about a kind. The generic registry (store.ts) does what all kinds share: names, uids, generation of
 * metadata, preconditions, finalizers, graceful and cascading deletion, optimistic concurrency; at the points named
 * here it asks the kind's strategy. Compare k8s.io/apiserver/pkg/registry/rest {create,update,delete}.go.
 *
 * Objects come in the resource's storage version and in canonical form (the JSON form Go would write after reading).
 * `prepare…` and `defaults` change the object in place; `validate…` must not.
 *
 * Order on create:  decode → defaults → mutating admission → prepareForCreate → checkAccess → validate → validating admission → store
 *           update: decode → defaults → mutating admission → prepareForUpdate → checkAccess → validateUpdate → validating admission → store
 */
import type { ReplicasPaths } from '@keelson/api/apply/scale';
import type { ErrorList } from '@keelson/api/field';
import type { KubeObject, TypedObject } from '@keelson/api/object';
import type { Pieces } from '@keelson/api/pieces';
import type { Attributes } from '../authz/attributes.ts';
import type { Cell, Column } from './columns.ts';

export interface UserInfo {
  readonly name: string;
  readonly uid: string;
  readonly groups: readonly string[];
  readonly extra: Readonly<Record<string, readonly string[]>>;
}

/** What a strategy may know of the request that it serves. */
export interface StrategyContext {
  /** Empty for cluster-scoped resources. */
  readonly namespace: string;
  readonly user: UserInfo;
  /** The time of the request. */
  readonly now: Date;
  readonly dryRun: boolean;
  /** The version of the request, which may differ from the object's (storage) version. */
  readonly requestVersion: string;
  /** The request as authorizers see it; undefined for what the server writes by itself. */
  readonly asked?: () => Attributes;
}

/** 'OrphanDependents' for kinds whose dependents stay by default, e.g. Jobs. */
export type DefaultGarbageCollectionPolicy = 'DeleteDependents' | 'OrphanDependents' | 'Unsupported';

export interface DeleteOptions {
  gracePeriodSeconds?: number;
  preconditions?: { uid?: string; resourceVersion?: string };
  propagationPolicy?: string;
  orphanDependents?: boolean;
  dryRun?: string[] | null;
}

/** Something the kind does around the write of an object, e.g. allocate addresses. Neither part may throw. */
export interface WriteHook {
  /** Called once after the write is durable. */
  commit?(): void | Promise<void>;
  /** Called once when the write did not happen. */
  revert?(): void | Promise<void>;
}

/**
 * Upstream checks metadata in the generic update and again, differently, in what is the kind's own, and clients see each
 * finding each time: `metadata` (ValidateObjectMetaUpdate, by `metadataRules`), `change` (validateChange), `new metadata`
 * (ValidateObjectMeta, where Validate<Kind>Update calls all of Validate<Kind>), `kind` (validateUpdate).
 */
export type UpdateCheck = 'metadata' | 'change' | 'new metadata' | 'kind';
export const UPDATE_CHECKS: readonly UpdateCheck[] = ['metadata', 'kind'];

export interface Strategy<T extends TypedObject = TypedObject> {
  /** PUT of a name that does not exist creates it. Default false. */
  readonly allowCreateOnUpdate?: boolean;
  /** PUT and PATCH without resourceVersion are accepted. Default true. */
  readonly allowUnconditionalUpdate?: boolean;
  /** DELETE answers with the object, not a Status. Default false. */
  readonly returnDeletedObject?: boolean;
  readonly defaultGarbageCollectionPolicy?: DefaultGarbageCollectionPolicy;

  /**
   * What is wrong with this name (or generateName prefix), each entry a message; [] when it is fine.
   * Checked with the rest of metadata before `validate`'s own errors. Default: nameIsDNSSubdomain.
   */
  validateName?(name: string, prefix: boolean, obj: T): string[];

  /** A name that is not taken yet. Default: the prefix with a random suffix. */
  generateName?(prefix: string): string;

  /**
   * Fills in what the client left out (upstream's SetDefaults_*), in the version that the client sent: where versions
   * differ in their defaults the function looks at `version`. Runs whenever an object is decoded, and with the time of the
   * request when it is the client's. Idempotent.
   */
  defaults?(obj: T, version: string, now?: Date): void;

  /**
   * Fills in what former releases did not store and no default is, in what another program has stored (upstream's
   * Decorator). Idempotent.
   */
  complete?(obj: T): void;

  /**
   * Clears what clients may not set (status), sets generation, drops disabled fields. What it warns of is said even when
   * the object proves invalid.
   */
  prepareForCreate?(ctx: StrategyContext, obj: T, warn?: (text: string) => void): void;
  /**
   * Which parts of the prepared object this user may not write, where that is a question of its content. Found before
   * anything else of the kind's own.
   * @param old undefined for a create
   */
  checkAccess?(ctx: StrategyContext, obj: T, old: T | undefined): ErrorList | Promise<ErrorList>;
  /** Without metadata, which the registry validates itself. In upstream's order. */
  validate?(ctx: StrategyContext, obj: T): ErrorList;
  warningsOnCreate?(ctx: StrategyContext, obj: T): string[];

  prepareForUpdate?(ctx: StrategyContext, obj: T, old: T): void;
  /** Without metadata: see `updateChecks`. */
  validateUpdate?(ctx: StrategyContext, obj: T, old: T, warn?: (text: string) => void): ErrorList;
  /**
   * The same for kinds whose objects are so large that others must have turns of the event loop meanwhile: what is found
   * comes last. @param old undefined for a create
   */
  judge?(ctx: StrategyContext, obj: T, old: T | undefined, warn: (text: string) => void): Pieces<ErrorList>;
  /** What may not change, of kinds that look at that before they look at the new object. */
  validateChange?(obj: T, old: T): ErrorList;
  /**
   * What upstream's Validate<Kind> checks of metadata: `kube` (the default) wants a domain in finalizers, `generic` does
   * not, `none` leaves out even the name's rule.
   */
  readonly metadataRules?: 'kube' | 'generic' | 'none';
  /** What an update is checked for, in this order, after the checks that all kinds share; default UPDATE_CHECKS. */
  readonly updateChecks?: readonly UpdateCheck[];
  warningsOnUpdate?(ctx: StrategyContext, obj: T, old: T): string[];
  /** Puts equal meanings into one form, after validation (upstream's Canonicalize). */
  canonicalize?(obj: T): void;

  /**
   * Decides whether a deletion is graceful; may set `options.gracePeriodSeconds`. Kinds without it delete at once.
   */
  checkGracefulDelete?(ctx: StrategyContext, obj: T, options: DeleteOptions): boolean;
  /** Said whether or not there is the object. */
  warningsOnDelete?(options: DeleteOptions): string[];
  /** Asked before the object is looked up. @throws StatusError for names that may not be deleted */
  validateDelete?(ctx: StrategyContext, name: string): void;
  /**
   * For kinds whose content must go before they do (namespaces). The first DELETE sets deletionTimestamp, calls `begin`
   * and stores the object; a later one answers with the object as it is until `isComplete`.
   * `takesPolicy`: the first DELETE leaves the finalizers that its options ask for.
   */
  readonly termination?: { begin(obj: T): void; isComplete(obj: T): boolean; readonly takesPolicy?: true };
  /** True when an update leaves nothing that needs the object: the registry then deletes it (upstream's ShouldDeleteDuringUpdate). */
  shouldDeleteDuringUpdate?(obj: T, old: T): boolean;

  beginCreate?(ctx: StrategyContext, obj: T): Promise<WriteHook>;
  beginUpdate?(ctx: StrategyContext, obj: T, old: T): Promise<WriteHook>;
  afterDelete?(ctx: StrategyContext, obj: T): void | Promise<void>;

  /** Seconds after which the store forgets the object by itself (events). */
  ttlSeconds?(obj: T): number | undefined;

  /**
   * Field selectors besides metadata.name and metadata.namespace. Every selectable field is present in the result;
   * a value is what the selector compares with.
   */
  selectableFields?(obj: T): Record<string, string>;

  /**
   * Fields that this endpoint ignores, as apply sees it, by API version: field sets such as {"f:status": {}}
   * (upstream's GetResetFields). They are never owned by who writes here.
   */
  readonly resetFields?: Readonly<Record<string, FieldSet>>;
}

/** `{"f:status": {}}`: as in managedFields; an empty object means the field with all below it. */
export type FieldSet = { readonly [key: string]: FieldSet };

/** How a kind looks in `kubectl get`. Compare pkg/printers/internalversion. */
export interface TableConvertor<T extends TypedObject = TypedObject> {
  readonly columns: readonly Column[];
  /** One row's cells, in the order of the columns; with conditions where upstream states them (finished pods). */
  row(obj: T): TableCells;
}

export interface TableCells {
  readonly cells: readonly Cell[];
  readonly conditions?: readonly { type: string; status: string; reason?: string; message?: string }[];
}

/**
 * A subresource that is another view of the same stored object: GET returns the object, PUT and PATCH go through a
 * strategy of their own (status, ephemeralcontainers, resize, approval, finalize).
 */
export interface ViewSubresource<T extends TypedObject = TypedObject> {
  readonly type: 'view';
  /** It cannot be had as a table: upstream's storage of it converts to none. */
  readonly noTable?: true;
  readonly strategy: Pick<
    Strategy<T>,
    | 'prepareForUpdate'
    | 'checkAccess'
    | 'validateUpdate'
    | 'judge'
    | 'metadataRules'
    | 'updateChecks'
    | 'warningsOnUpdate'
    | 'resetFields'
    | 'beginUpdate'
    | 'canonicalize'
    | 'shouldDeleteDuringUpdate'
  >;
}

/** What the scale subresource shows of an object, and changes in it. */
export interface ScaleView {
  /** Where objects of each version have the replicas wanted; absent: `spec.replicas`. */
  readonly replicasPaths?: ReplicasPaths;
  /** As admission sees it, and the answer to a write. */
  read(object: KubeObject): ScaleValues;
  /** The same for a GET; absent: no different. @throws StatusError where the object cannot be scaled */
  readForGet?(object: KubeObject): ScaleValues;
  /** The same for who is about to write; absent: no different. */
  readForWrite?(object: KubeObject): ScaleValues;
  /** Besides the name; absent: those of the built-in kinds. */
  readonly columns?: TableConvertor['columns'];
  /** A uid that a patched scale says is judged by the store, as that of the object itself would be. */
  readonly storeChecksUid?: true;
  /** What is wrong with a scale by itself, where the kind judges that here. */
  validate?(scale: KubeObject): ErrorList;
  /** The object with other replicas; may reuse its argument. @throws StatusError 422 where they cannot be set */
  write(object: KubeObject, replicas: number): KubeObject;
}

export interface ScaleValues {
  /** Wanted; undefined where the object does not say. */
  readonly replicas: number | undefined;
  readonly statusReplicas: number;
  /** Of labels, as text. */
  readonly selector: string;
}

/** What a kind's folder exports (`registry/<group>/<kind>/index.ts`); names, verbs and versions come from generated facts. */
export interface KindRegistration<T extends TypedObject = TypedObject> {
  readonly strategy: Strategy<T>;
  readonly table?: TableConvertor<T>;
  readonly subresources?: Readonly<Record<string, ViewSubresource<T>>>;
  /** Default: `spec.replicas`, `status.replicas` and `spec.selector`. */
  readonly scale?: ScaleView;
  /** Which field selectors clients may use; absent: metadata.name and metadata.namespace alone, in the generic words. */
  readonly fieldLabels?: FieldLabels;
  /** Upstream keeps no watch cache of them unless it is told to: its store answers, in words of its own, and pages at revision 0 too. */
  readonly isUncached?: true;
  /**
   * Where objects of this group are stored as those of another (events.k8s.io as core/v1), and of kinds whose versions differ
   * in shape, in that which their strategy knows. Default: the best version that is served.
   */
  readonly storedAs?: { readonly group: string; readonly version: string };
  /** Admission sees what is written as being in the namespace of its own name. */
  readonly isItsOwnNamespace?: true;
  /** Stored as JSON, whatever form others are stored in: empty lists are not lost. */
  readonly storedAsJson?: true;
  /**
   * Annotations that carry what upstream's internal type has fields for: metadata on its own (PartialObjectMetadata,
   * rows of tables) is without them.
   */
  readonly fieldAnnotations?: readonly string[];
  /**
   * What upstream's internal type says in every version though the versions may be silent: bookmarks, which carry an
   * empty object, say it. In place.
   */
  completeEmpty?(obj: T): void;
  /** Conversions between the storage version and the others served, or stored by kube-apiserver, where their shapes differ. */
  readonly conversions?: Readonly<Record<string, VersionConversion>>;
}

/** A kind's own field labels (upstream's AddFieldLabelConversionFunc). */
export interface FieldLabels {
  /** Every label that is accepted, metadata.name and metadata.namespace included where they are. */
  readonly supported: readonly string[];
  /** What a label is called among the selectable fields, where that differs. */
  readonly aliases?: Readonly<Record<string, string>>;
  /** The error for any other; default `field label not supported: <label>`. */
  unsupported?(label: string): string;
}

export interface VersionConversion {
  /** From this version to the storage version. May reuse and change its argument. */
  toStorage(obj: KubeObject): KubeObject;
  /** From the storage version to this one, where it is served. Must not change its argument. */
  fromStorage?(obj: KubeObject): KubeObject;
}
