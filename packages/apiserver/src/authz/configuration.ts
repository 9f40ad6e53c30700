/**
 * `--authorization-config`: which authorizers are asked in which order, read and validated in upstream's words
 * (k8s.io/apiserver/pkg/apis/apiserver/{v1,validation}, kubernetes/pkg/kubeapiserver/authorizer).
 */
import * as field from '@keelson/api/field';
import { isDNS1123Subdomain } from '@keelson/api/validation/names';
import { ConfigFileError, type ConfigObject } from '@keelson/component/configfile';
import { formatDuration } from '@keelson/component/go/duration';
import { aggregate, asError } from '../aggregate.ts';
import { type FileText, openConfiguration } from '../configuration-file.ts';
import { compileMatchCondition } from './conditions.ts';

export const AUTHORIZATION_MODES = ['ABAC', 'AlwaysAllow', 'AlwaysDeny', 'Node', 'RBAC', 'Webhook'] as const;
export type AuthorizationMode = (typeof AUTHORIZATION_MODES)[number];

export interface WebhookConfig {
  /** 0: such answers are not remembered. */
  readonly authorizedTtlMs: number;
  readonly unauthorizedTtlMs: number;
  readonly timeoutMs: number;
  /** Of the SubjectAccessReviews that are sent. */
  readonly version: 'v1' | 'v1beta1';
  /** Where the webhook gives no answer. */
  readonly failurePolicy: 'NoOpinion' | 'Deny';
  readonly kubeConfigFile: string;
  /** Expressions that must all hold before it is asked. */
  readonly matchConditions: readonly string[];
}

export interface AuthorizerConfig {
  readonly type: AuthorizationMode;
  readonly name: string;
  /** Of a Webhook, and of nobody else. */
  readonly webhook?: WebhookConfig;
}

export type AuthorizationConfiguration = readonly AuthorizerConfig[];

/** What `--authorization-mode` stands for. @param webhook of the mode Webhook */
export function configurationOfModes(
  modes: readonly AuthorizationMode[],
  webhook?: Omit<WebhookConfig, 'timeoutMs' | 'failurePolicy' | 'matchConditions'>,
): AuthorizationConfiguration {
  return modes.map((type) =>
    type === 'Webhook' && webhook
      ? { type, name: 'default', webhook: { ...webhook, ...LEGACY_WEBHOOK } }
      : { type, name: nameOf(type) },
  );
}

const LEGACY_WEBHOOK = { timeoutMs: 30_000, failurePolicy: 'NoOpinion', matchConditions: [] } as const;
const DEFAULT_AUTHORIZED_TTL_MS = 300_000;
const DEFAULT_UNAUTHORIZED_TTL_MS = 30_000;
const MAX_TIMEOUT_MS = 30_000;
const MAX_CONDITIONS = 64;

/** Only webhooks have names that somebody chose. */
function nameOf(type: string): string {
  return type.toLowerCase();
}

/**
 * @param required types that must not be missing, since the server has started with them
 * @throws ConfigFileError; AggregateFailure with what is wrong with the configuration
 */
export function authorizationConfiguration(
  file: FileText,
  required: readonly AuthorizationMode[] = [],
): AuthorizationConfiguration {
  const config = file.text === '' ? [] : load(file.text);
  fail(validate(config, file).map(String));
  const authorizers = config.map(completed);
  const local = authorizers.filter(({ type }) => type !== 'Webhook');
  const missing = required.filter((type) => type !== 'Webhook' && !local.some((one) => one.type === type)).sort();
  fail([
    ...local
      .filter(({ type, name }) => nameOf(type) !== name)
      .map(({ type, name }) => `expected name ${nameOf(type)} for authorizer ${type} instead of ${name}`),
    ...(missing.length > 0 ? [`missing required types: [${missing.join(' ')}]`] : []),
  ]);
  return authorizers;
}

function load(text: string): Given[] {
  try {
    return openConfiguration(text, 'AuthorizationConfiguration', (root) => {
      const authorizers = root.objects('authorizers').map(given);
      root.expectNothingElse();
      return authorizers;
    });
  } catch (error) {
    throw new ConfigFileError(`failed to load AuthorizationConfiguration from file: ${asError(error).message}`);
  }
}

function fail(problems: readonly string[]): void {
  const failure = aggregate(problems.map((problem) => new Error(problem)));
  if (failure) throw failure;
}

type Given = ReturnType<typeof given>;
type GivenWebhook = ReturnType<typeof givenWebhook>;

/** As it stands in the file, defaults filled in. */
function given(config: ConfigObject) {
  const hasWebhook = (config.raw('webhook') ?? undefined) !== undefined;
  const authorizer = {
    type: config.string('type'),
    name: config.string('name'),
    webhook: hasWebhook ? givenWebhook(config.object('webhook')) : undefined,
  };
  config.expectNothingElse();
  return authorizer;
}

function givenWebhook(config: ConfigObject) {
  const connection = config.object('connectionInfo');
  const conditions = config.objects('matchConditions');
  const webhook = {
    authorizedTtlMs: config.duration('authorizedTTL') || DEFAULT_AUTHORIZED_TTL_MS,
    cacheAuthorized: config.boolean('cacheAuthorizedRequests', true),
    unauthorizedTtlMs: config.duration('unauthorizedTTL') || DEFAULT_UNAUTHORIZED_TTL_MS,
    cacheUnauthorized: config.boolean('cacheUnauthorizedRequests', true),
    timeoutMs: config.duration('timeout'),
    version: config.string('subjectAccessReviewVersion'),
    conditionVersion: config.string('matchConditionSubjectAccessReviewVersion'),
    failurePolicy: config.string('failurePolicy'),
    connection: { type: connection.string('type'), kubeConfigFile: connection.string('kubeConfigFile') },
    matchConditions: conditions.map((condition) => condition.string('expression')),
  };
  for (const object of [...conditions, connection, config]) object.expectNothingElse();
  return webhook;
}

/** Of one that is valid. */
function completed({ type, name, webhook }: Given): AuthorizerConfig {
  if (!webhook) return { type: type as AuthorizationMode, name };
  return {
    type: 'Webhook',
    name,
    webhook: {
      authorizedTtlMs: webhook.cacheAuthorized ? webhook.authorizedTtlMs : 0,
      unauthorizedTtlMs: webhook.cacheUnauthorized ? webhook.unauthorizedTtlMs : 0,
      timeoutMs: webhook.timeoutMs,
      version: webhook.version as WebhookConfig['version'],
      failurePolicy: webhook.failurePolicy as WebhookConfig['failurePolicy'],
      kubeConfigFile: webhook.connection.kubeConfigFile,
      matchConditions: webhook.matchConditions,
    },
  };
}

function validate(authorizers: readonly Given[], file: FileText): field.ErrorList {
  const root = field.Path.of('authorizers');
  if (authorizers.length === 0) return [field.required(root, 'at least one authorization mode must be defined')];
  const types = new Set<string>();
  const names = new Set<string>();
  return authorizers.flatMap(({ type, name, webhook }, i) => {
    const path = root.index(i);
    const at = path.child('type');
    if (type === '') return [field.required(at, '')];
    if (!(AUTHORIZATION_MODES as readonly string[]).includes(type))
      return [field.notSupported(at, type, AUTHORIZATION_MODES)];
    if (types.has(type) && type !== 'Webhook') return [field.duplicate(at, type)];
    types.add(type);
    const errors = nameErrors(name, path.child('name'), names);
    names.add(name);
    if (type !== 'Webhook')
      return webhook
        ? [...errors, field.invalid(path.child('webhook'), 'non-null', 'may only be specified when type=Webhook')]
        : errors;
    if (!webhook) return [...errors, field.required(path.child('webhook'), 'required when type=Webhook')];
    return [...errors, ...webhookErrors(webhook, path, file)];
  });
}

function nameErrors(name: string, path: field.Path, seen: ReadonlySet<string>): field.ErrorList {
  if (name === '') return [field.required(path, '')];
  if (seen.has(name)) return [field.duplicate(path, name)];
  const problems = isDNS1123Subdomain(name);
  return problems.length > 0 ? [field.invalid(path, name, `authorizer name is invalid: ${problems.join(', ')}`)] : [];
}

/** @param path of the authorizer: upstream leaves `webhook` out */
function webhookErrors(webhook: GivenWebhook, path: field.Path, file: FileText): field.ErrorList {
  const { timeoutMs, authorizedTtlMs, unauthorizedTtlMs, version, conditionVersion, failurePolicy } = webhook;
  const timeout = path.child('timeout');
  const positive = (name: string, ms: number) =>
    ms < 0 ? [field.invalid(path.child(name), formatDuration(ms), 'must be > 0s')] : [];
  const oneOf = (name: string, value: string, known: readonly string[]) => {
    if (value === '') return [field.required(path.child(name), '')];
    return known.includes(value) ? [] : [field.notSupported(path.child(name), field.plain(value), known)];
  };
  const conditionVersionAt = 'matchConditionSubjectAccessReviewVersion';
  return [
    ...(timeoutMs === 0
      ? [field.required(timeout, '')]
      : timeoutMs > MAX_TIMEOUT_MS || timeoutMs < 0
        ? [field.invalid(timeout, formatDuration(timeoutMs), 'must be > 0s and <= 30s')]
        : []),
    ...positive('authorizedTTL', authorizedTtlMs),
    ...positive('unauthorizedTTL', unauthorizedTtlMs),
    ...oneOf('subjectAccessReviewVersion', version, ['v1', 'v1beta1']),
    ...(conditionVersion !== ''
      ? oneOf(conditionVersionAt, conditionVersion, ['v1'])
      : webhook.matchConditions.length > 0
        ? [field.required(path.child(conditionVersionAt), 'required if match conditions are specified')]
        : []),
    ...oneOf('failurePolicy', failurePolicy, ['NoOpinion', 'Deny']),
    ...connectionErrors(webhook.connection, path.child('connectionInfo'), file),
    ...conditionErrors(webhook.matchConditions, path.child('matchConditions')),
  ];
}

const CONNECTIONS = ['InClusterConfig', 'KubeConfigFile'];

function connectionErrors(
  connection: GivenWebhook['connection'],
  path: field.Path,
  { problemOf }: FileText,
): field.ErrorList {
  const { type, kubeConfigFile } = connection;
  const at = path.child('kubeConfigFile');
  switch (type) {
    case '':
      return [field.required(path.child('type'), '')];
    case 'InClusterConfig':
      if (kubeConfigFile !== '') return [field.invalid(at, kubeConfigFile, 'can only be set when type=KubeConfigFile')];
      return [field.forbidden(path.child('type'), 'an API server has no service account to ask itself with')];
    case 'KubeConfigFile': {
      if (kubeConfigFile === '') return [field.required(at, '')];
      const problem = kubeConfigFile.startsWith('/') ? problemOf(kubeConfigFile) : 'must be an absolute path';
      return problem === undefined ? [] : [field.invalid(at, kubeConfigFile, problem)];
    }
    default: {
      const shown = { Type: type, KubeConfigFile: kubeConfigFile === '' ? null : kubeConfigFile };
      return [field.notSupported(path.child('type'), shown, CONNECTIONS)];
    }
  }
}

function conditionErrors(conditions: readonly string[], path: field.Path): field.ErrorList {
  if (conditions.length > MAX_CONDITIONS) return [field.tooMany(path, conditions.length, MAX_CONDITIONS)];
  const seen = new Set<string>();
  return conditions.flatMap((expression, i) => {
    const at = path.index(i).child('expression');
    if (expression.trim() === '') return [field.required(at, '')];
    if (seen.has(expression)) return [field.duplicate(at, expression)];
    seen.add(expression);
    const { problem } = compileMatchCondition(expression);
    if (!problem) return [];
    return [
      problem.type === 'internal' ? field.internal(at, problem.detail) : field.invalid(at, expression, problem.detail),
    ];
  });
}
