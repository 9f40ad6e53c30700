/**
 * The options that come in the query: parsed as upstream's ParameterCodec does, checked as meta/v1 validation does.
 */
import { badRequest, invalid } from '@keelson/api/errors';
import * as field from '@keelson/api/field';
import { type FieldSelector, parseFieldSelector } from '@keelson/api/selectors/fields';
import { type LabelSelector, parseLabelSelector } from '@keelson/api/selectors/labels';
import type { Operation } from '../admission/plugin.ts';
import type { DeleteOptions } from '../registry/strategy.ts';
import type { Scope } from './scope.ts';

export type FieldValidation = 'Ignore' | 'Warn' | 'Strict';

export interface WriteOptions {
  readonly dryRun: boolean;
  /** Empty when the client named none. */
  readonly fieldManager: string;
  readonly fieldValidation: FieldValidation;
}

export interface PatchOptions extends WriteOptions {
  readonly force: boolean | undefined;
}

export interface ListOptions {
  readonly labels: LabelSelector;
  /** Of fields as clients call them. */
  readonly fields: FieldSelector;
  readonly watch: boolean;
  readonly allowWatchBookmarks: boolean;
  readonly resourceVersion: string;
  readonly resourceVersionMatch: string;
  readonly timeoutSeconds: number | undefined;
  readonly limit: number;
  readonly continue: string;
  readonly sendInitialEvents: boolean | undefined;
}

const FIELD_VALIDATIONS = ['', 'Ignore', 'Strict', 'Warn'];
const FIELD_MANAGER_MAX_BYTES = 128;

/** @param kind CreateOptions or UpdateOptions. @throws StatusError 400, 422 */
export function writeOptions(query: URLSearchParams, kind: 'CreateOptions' | 'UpdateOptions'): WriteOptions {
  const errors = checkWrite(query);
  if (errors.length > 0) throw invalid('meta.k8s.io', kind, '', errors);
  return readWrite(query);
}

/** @param isApply for apply a manager is required; for other patches force is forbidden. @throws StatusError 400, 422 */
export function patchOptions(query: URLSearchParams, isApply: boolean): PatchOptions {
  const force = readBoolean(query, 'force');
  const errors: field.ErrorList = [];
  if (isApply && (query.get('fieldManager') ?? '') === '') {
    errors.push(field.required(field.Path.of('fieldManager'), 'is required for apply patch'));
  }
  if (!isApply && force !== undefined) {
    errors.push(field.forbidden(field.Path.of('force'), 'may not be specified for non-apply patch'));
  }
  errors.push(...checkWrite(query));
  if (errors.length > 0) throw invalid('meta.k8s.io', 'PatchOptions', '', errors);
  return { ...readWrite(query), force };
}

/** Delete options from the query, for a DELETE without a body. @throws StatusError 400 */
export function deleteOptionsOfQuery(query: URLSearchParams): DeleteOptions {
  const gracePeriodSeconds = readInteger(query, 'gracePeriodSeconds');
  const orphanDependents = readBoolean(query, 'orphanDependents');
  const propagationPolicy = query.get('propagationPolicy') ?? undefined;
  const dryRun = query.getAll('dryRun');
  const uid = query.get('uid') ?? '';
  const resourceVersion = query.get('resourceVersion') ?? '';
  const preconditions = { ...(uid && { uid }), ...(resourceVersion && { resourceVersion }) };
  return {
    ...(gracePeriodSeconds === undefined ? {} : { gracePeriodSeconds }),
    ...(orphanDependents === undefined ? {} : { orphanDependents }),
    ...(propagationPolicy === undefined ? {} : { propagationPolicy }),
    ...(dryRun.length > 0 ? { dryRun } : {}),
    ...(uid || resourceVersion ? { preconditions } : {}),
  };
}

const OPTIONS_KINDS = { CREATE: 'CreateOptions', UPDATE: 'UpdateOptions', DELETE: 'DeleteOptions' } as const;

/** The options of a write as admission shows them: what the client said, as an object of meta.k8s.io/v1. */
export function operationOptions(
  operation: Operation,
  query: URLSearchParams,
  deleteOptions: DeleteOptions | undefined,
): object | undefined {
  if (operation === 'CONNECT') return undefined;
  const meta = { kind: OPTIONS_KINDS[operation], apiVersion: 'meta.k8s.io/v1' };
  if (operation === 'DELETE') return { ...meta, ...inOrder(deleteOptions ?? {}) };
  const dryRun = query.getAll('dryRun');
  const texts = ['fieldManager', 'fieldValidation'].flatMap((name) => {
    const value = query.get(name) ?? '';
    return value === '' ? [] : [[name, value]];
  });
  return { ...meta, ...(dryRun.length > 0 ? { dryRun } : {}), ...Object.fromEntries(texts) };
}

const DELETE_MEMBERS = [
  'gracePeriodSeconds',
  'preconditions',
  'orphanDependents',
  'propagationPolicy',
  'dryRun',
] as const;

/** What a kind has added stands where Go writes it. */
function inOrder(options: DeleteOptions): DeleteOptions {
  const members = DELETE_MEMBERS.map((name) => [name, options[name]] as const);
  return Object.fromEntries(members.filter(([, value]) => value !== undefined));
}

/**
 * Checked as those of a watch where the query says `watch`, which it need not for a path of the old form
 * (apiserver/pkg/endpoints/handlers/get.go, ListResource).
 * @throws StatusError 400 for what can't be parsed, 422 for combinations that are not allowed
 */
export function listOptions({ ctx, isEnabled }: Pick<Scope, 'ctx' | 'isEnabled'>): ListOptions {
  const { query } = ctx.info;
  const hasWatchLists = isEnabled('WatchList');
  const said: ListOptions = {
    watch: readBoolean(query, 'watch') ?? false,
    allowWatchBookmarks: readBoolean(query, 'allowWatchBookmarks') ?? false,
    resourceVersion: query.get('resourceVersion') ?? '',
    resourceVersionMatch: query.get('resourceVersionMatch') ?? '',
    timeoutSeconds: readInteger(query, 'timeoutSeconds'),
    limit: readInteger(query, 'limit') ?? 0,
    continue: query.get('continue') ?? '',
    sendInitialEvents: readBoolean(query, 'sendInitialEvents'),
    labels: readSelector(parseLabelSelector, query.get('labelSelector') ?? ''),
    fields: readSelector(parseFieldSelector, query.get('fieldSelector') ?? ''),
  };
  const options = hasWatchLists ? withWatchListDefaults(said) : said;
  const errors = options.watch ? checkWatch(options, hasWatchLists) : checkList(options);
  if (errors.length > 0) throw invalid('meta.k8s.io', 'ListOptions', '', errors);
  return options;
}

/** @throws StatusError 400 */
function readSelector<S>(parse: (text: string) => S, text: string): S {
  try {
    return parse(text);
  } catch (error) {
    throw badRequest((error as Error).message);
  }
}

/** A watch from "" or "0" is one that begins with the state and says when that is over (SetListOptionsDefaults). */
function withWatchListDefaults(options: ListOptions): ListOptions {
  const legacy =
    options.watch &&
    options.sendInitialEvents === undefined &&
    options.resourceVersionMatch === '' &&
    (options.resourceVersion === '' || options.resourceVersion === '0');
  return legacy ? { ...options, sendInitialEvents: true, resourceVersionMatch: 'NotOlderThan' } : options;
}

const MATCH = field.Path.of('resourceVersionMatch');

function checkList(options: ListOptions): field.ErrorList {
  const errors: field.ErrorList = [];
  const match = options.resourceVersionMatch;
  if (match !== '') {
    if (options.resourceVersion === '') {
      errors.push(field.forbidden(MATCH, 'resourceVersionMatch is forbidden unless resourceVersion is provided'));
    }
    if (options.continue !== '') {
      errors.push(field.forbidden(MATCH, 'resourceVersionMatch is forbidden when continue is provided'));
    }
    if (match !== 'Exact' && match !== 'NotOlderThan') {
      errors.push(field.notSupported(MATCH, match, ['Exact', 'NotOlderThan', '']));
    }
    if (match === 'Exact' && options.resourceVersion === '0') {
      errors.push(field.forbidden(MATCH, 'resourceVersionMatch "exact" is forbidden for resourceVersion "0"'));
    }
  }
  if (options.sendInitialEvents !== undefined) {
    errors.push(field.forbidden(field.Path.of('sendInitialEvents'), 'sendInitialEvents is forbidden for list'));
  }
  return errors;
}

function checkWatch(options: ListOptions, hasWatchLists: boolean): field.ErrorList {
  const errors: field.ErrorList = [];
  const match = options.resourceVersionMatch;
  if (options.sendInitialEvents !== undefined && match !== 'NotOlderThan') {
    errors.push(field.forbidden(MATCH, 'sendInitialEvents requires setting resourceVersionMatch to NotOlderThan'));
  }
  if (options.sendInitialEvents !== undefined && !hasWatchLists) {
    const problem = 'sendInitialEvents is forbidden for watch unless the WatchList feature gate is enabled';
    errors.push(field.forbidden(field.Path.of('sendInitialEvents'), problem));
  }
  if (match !== '') {
    if (options.sendInitialEvents === undefined) {
      errors.push(
        field.forbidden(MATCH, 'resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided'),
      );
    }
    if (match !== 'NotOlderThan') errors.push(field.notSupported(MATCH, match, ['NotOlderThan']));
    if (options.continue !== '') {
      errors.push(field.forbidden(MATCH, 'resourceVersionMatch is forbidden when continue is provided'));
    }
  }
  return errors;
}

function checkWrite(query: URLSearchParams): field.ErrorList {
  const errors: field.ErrorList = [];
  const manager = query.get('fieldManager') ?? '';
  const path = field.Path.of('fieldManager');
  if (Buffer.byteLength(manager) > FIELD_MANAGER_MAX_BYTES) errors.push(field.tooLong(path, FIELD_MANAGER_MAX_BYTES));
  let position = 0;
  for (const char of manager) {
    if (!isPrintable(char)) {
      errors.push(field.invalid(path, manager, `invalid character ${unicodeName(char)} (at position ${position})`));
    }
    position += Buffer.byteLength(char);
  }
  const dryRun = query.getAll('dryRun');
  if (dryRun.some((d) => d !== 'All')) errors.push(field.notSupported(field.Path.of('dryRun'), dryRun, ['All']));
  const validation = query.get('fieldValidation') ?? '';
  if (!FIELD_VALIDATIONS.includes(validation)) {
    errors.push(field.notSupported(field.Path.of('fieldValidation'), field.plain(validation), FIELD_VALIDATIONS));
  }
  return errors;
}

function readWrite(query: URLSearchParams): WriteOptions {
  return {
    dryRun: query.getAll('dryRun').length > 0,
    fieldManager: query.get('fieldManager') ?? '',
    fieldValidation: (query.get('fieldValidation') || 'Warn') as FieldValidation,
  };
}

/** Go's unicode.IsPrint: letters, marks, numbers, punctuation, symbols and the plain space. */
function isPrintable(char: string): boolean {
  return char === ' ' || /^[\p{L}\p{M}\p{N}\p{P}\p{S}]$/u.test(char);
}

/** Go's %#U: `U+0007` or, where it can be shown, `U+00E9 'é'`. */
function unicodeName(char: string): string {
  return `U+${char.codePointAt(0)!.toString(16).toUpperCase().padStart(4, '0')}`;
}

/** @throws StatusError 400 for `?export`, which went away with 1.21 */
export function refuseExport(query: URLSearchParams): void {
  if (readBoolean(query, 'export')) {
    throw badRequest('the export parameter, deprecated since v1.14, is no longer supported');
  }
}

/** Present and empty is true; what is neither false nor 0 is true. */
function readBoolean(query: URLSearchParams, key: string): boolean | undefined {
  const value = query.get(key);
  return value === null ? undefined : value.toLowerCase() !== 'false' && value !== '0';
}

function readInteger(query: URLSearchParams, key: string): number | undefined {
  const value = query.get(key);
  if (value === null) return undefined;
  if (!/^[+-]?\d+$/.test(value)) throw badRequest(`strconv.ParseInt: parsing ${field.quote(value)}: invalid syntax`);
  const whole = BigInt(value.replace('+', ''));
  if (BigInt.asIntN(64, whole) !== whole)
    throw badRequest(`strconv.ParseInt: parsing ${field.quote(value)}: value out of range`);
  return Number(whole);
}
