/** Containers: ordinary, init and sidecar. */

import {
  duplicate,
  type ErrorList,
  forbidden,
  invalid,
  named,
  notSupported,
  type Path,
  required,
  tooMany,
} from '@keelson/api/field';
import type {
  Container,
  ContainerPort,
  ContainerResizePolicy,
  ContainerRestartRule,
  PodSpec,
} from '@keelson/api/generated/types/core/v1';
import { isSidecar } from '@keelson/api/resources/pod';
import type { AnyContainer } from '@keelson/api/resources/pod-parts';
import { isValidPortName, isValidPortNum } from '@keelson/api/validation/names';
import { invalidFor } from '../../../validation/fields.ts';
import { validateEnv, validateEnvFrom } from './env.ts';
import { validateMountsAndDevices } from './mounts.ts';
import { dnsLabel } from './names.ts';
import type { PodValidationOptions } from './options.ts';
import { validateHooks } from './probes.ts';
import { validateContainerResources } from './resources.ts';
import { validateSecurityContext } from './securitycontext.ts';
import type { Volumes } from './volumes.ts';

/** What the checks of containers know of their pod. */
export interface ContainerContext {
  readonly spec: PodSpec;
  readonly volumes: Volumes;
  readonly claimNames: ReadonlySet<string>;
  readonly options: PodValidationOptions;
}

const MESSAGE_POLICIES = ['File', 'FallbackToLogsOnError'];
const PULL_POLICIES = ['Always', 'IfNotPresent', 'Never'];
const PROTOCOLS = ['SCTP', 'TCP', 'UDP'];
const RESTART_POLICIES = ['Always', 'Never', 'OnFailure'];
const RULE_ACTIONS = ['Restart', 'RestartAllContainers'];
const ACTIONS_ON_ITSELF = ['Restart'];
const RULE_OPERATORS = ['In', 'NotIn'];
const MAX_RULES = 20;
const MAX_EXIT_CODES = 255;
const RESIZABLE = ['cpu', 'memory'];
const RESIZE_POLICIES = ['NotRequired', 'RestartContainer'];

export function validateContainers(context: ContainerContext, path: Path): ErrorList {
  const { spec, options } = context;
  const containers = spec.containers ?? [];
  if (containers.length === 0) return [required(path)];
  const names = new Set<string>();
  return [
    ...containers.flatMap((container, i) => {
      const at = path.index(i);
      const errors = validateCommon(container, context, at);
      if (names.has(container.name)) errors.push(duplicate(at.child('name'), container.name));
      names.add(container.name);
      return [
        ...errors,
        ...validateHooks(container, spec.os, spec.terminationGracePeriodSeconds, at),
        ...validateRestartPolicy(container, options, at),
      ];
    }),
    ...validateHostPorts(containers, path),
  ];
}

export function validateInitContainers(context: ContainerContext, path: Path): ErrorList {
  const { spec, options } = context;
  const names = new Set((spec.containers ?? []).map(({ name }) => name));
  return (spec.initContainers ?? []).flatMap((container, i) => {
    const at = path.index(i);
    const errors = [...validateCommon(container, context, at), ...validateInitRestartPolicy(container, options, at)];
    if (names.has(container.name)) errors.push(duplicate(at.child('name'), container.name));
    else if (container.name) names.add(container.name);
    // They run one by one; upstream counts from 0 for each.
    errors.push(...validateHostPorts([container], path));
    if (isSidecar(container))
      return [...errors, ...validateHooks(container, spec.os, spec.terminationGracePeriodSeconds, at)];
    for (const key of ['lifecycle', 'livenessProbe', 'readinessProbe', 'startupProbe'] as const)
      if (container[key])
        errors.push(forbidden(at.child(key), 'may not be set for init containers without restartPolicy=Always'));
    if (!options.allowRestartContainerForInitContainers)
      errors.push(...validateNoResizeRestart(container, at.child('resizePolicy')));
    return errors;
  });
}

function validateNoResizeRestart({ resizePolicy }: Container, path: Path): ErrorList {
  return (resizePolicy ?? []).flatMap(({ restartPolicy }, i) =>
    restartPolicy === 'RestartContainer'
      ? [
          invalid(
            path.index(i).child('restartPolicy'),
            restartPolicy,
            "must not be set to 'RestartContainer' for non-sidecar initContainers",
          ),
        ]
      : [],
  );
}

/** What holds for containers of every kind. */
export function validateCommon(container: AnyContainer, context: ContainerContext, path: Path): ErrorList {
  const { spec, volumes, claimNames, options } = context;
  const { name = '', image = '', terminationMessagePolicy = '', securityContext } = container;
  const errors = name === '' ? [required(path.child('name'))] : dnsLabel(name, path.child('name'));
  if (image === '') errors.push(required(path.child('image')));
  const policyAt = path.child('terminationMessagePolicy');
  if (terminationMessagePolicy === '') errors.push(required(policyAt));
  else if (!MESSAGE_POLICIES.includes(terminationMessagePolicy))
    errors.push(notSupported(policyAt, terminationMessagePolicy, MESSAGE_POLICIES));
  return [
    ...errors,
    ...validatePorts(container.ports ?? [], path.child('ports')),
    ...validateEnv(container.env ?? [], options, path.child('env')),
    ...validateEnvFrom(container.envFrom ?? [], path.child('envFrom')),
    ...validateMountsAndDevices(container, volumes, path),
    ...validatePullPolicy(container.imagePullPolicy ?? '', path.child('imagePullPolicy')),
    ...validateContainerResources(container.resources, claimNames, options, path.child('resources')),
    ...validateResizePolicy(container.resizePolicy ?? [], spec.restartPolicy, path.child('resizePolicy')),
    ...validateSecurityContext(securityContext, spec.hostUsers !== false, options, path.child('securityContext')),
  ];
}

export function validatePullPolicy(policy: string, path: Path): ErrorList {
  if (policy === '') return [required(path)];
  return PULL_POLICIES.includes(policy) ? [] : [notSupported(path, policy, PULL_POLICIES)];
}

function validatePorts(ports: readonly ContainerPort[], path: Path): ErrorList {
  const names = new Set<string>();
  return ports.flatMap(({ name = '', containerPort, hostPort = 0, protocol = '' }, i) => {
    const at = path.index(i);
    const errors: ErrorList = [];
    if (name !== '') {
      const problems = isValidPortName(name);
      errors.push(...invalidFor(at.child('name'), name, problems));
      if (problems.length === 0 && names.has(name)) errors.push(duplicate(at.child('name'), name));
      else if (problems.length === 0) names.add(name);
    }
    if (!containerPort) errors.push(required(at.child('containerPort')));
    else errors.push(...invalidFor(at.child('containerPort'), containerPort, isValidPortNum(containerPort)));
    if (hostPort !== 0) errors.push(...invalidFor(at.child('hostPort'), hostPort, isValidPortNum(hostPort)));
    if (protocol === '') errors.push(required(at.child('protocol')));
    else if (!PROTOCOLS.includes(protocol)) errors.push(notSupported(at.child('protocol'), protocol, PROTOCOLS));
    return errors;
  });
}

function validateHostPorts(containers: readonly Container[], path: Path): ErrorList {
  const taken = new Set<string>();
  return containers.flatMap(({ ports }, i) =>
    (ports ?? []).flatMap(({ protocol, hostIP = '', hostPort = 0 }, j) => {
      if (hostPort === 0) return [];
      const key = `${protocol}/${hostIP}/${hostPort}`;
      const errors = taken.has(key) ? [duplicate(path.index(i).child('ports').index(j).child('hostPort'), key)] : [];
      taken.add(key);
      return errors;
    }),
  );
}

function validateResizePolicy(
  policies: readonly ContainerResizePolicy[],
  podRestartPolicy: string | undefined,
  path: Path,
): ErrorList {
  const names = new Set<string>();
  return policies.flatMap(({ resourceName = '', restartPolicy = '' }, i) => {
    const errors: ErrorList = names.has(resourceName) ? [duplicate(path.index(i), resourceName)] : [];
    names.add(resourceName);
    if (resourceName === '') errors.push(required(path));
    else if (!RESIZABLE.includes(resourceName)) errors.push(notSupported(path, resourceName, RESIZABLE));
    if (restartPolicy === '') errors.push(required(path));
    else if (!RESIZE_POLICIES.includes(restartPolicy)) errors.push(notSupported(path, restartPolicy, RESIZE_POLICIES));
    if (podRestartPolicy === 'Never' && restartPolicy !== 'NotRequired')
      errors.push(invalid(path, named(restartPolicy), "must be 'NotRequired' when pod `restartPolicy` is 'Never'"));
    return errors;
  });
}

/** A container's own restart policy, and rules for exit codes beside it. */
function validateRestartPolicy(
  { restartPolicy: policy, restartPolicyRules: rules = [] }: Container,
  options: PodValidationOptions,
  path: Path,
): ErrorList {
  const at = path.child('restartPolicy');
  const errors: ErrorList = [];
  if (policy === undefined) {
    if (rules.length === 0) return [];
    errors.push(required(at, 'must specify restartPolicy when restart rules are used'));
  } else if (!RESTART_POLICIES.includes(policy)) errors.push(notSupported(at, policy, RESTART_POLICIES));
  const rulesAt = path.child('restartPolicyRules');
  if (rules.length > MAX_RULES) errors.push(tooMany(rulesAt, rules.length, MAX_RULES));
  return [...errors, ...rules.flatMap((rule, i) => validateRestartRule(rule, options, rulesAt.index(i)))];
}

/** Rules without a policy are not looked at any further. */
function validateInitRestartPolicy(container: Container, options: PodValidationOptions, path: Path): ErrorList {
  if (isSidecar(container) && !options.allowRestartAllContainers) {
    const problem = 'restartPolicyRules are not allowed for init containers with restart policy Always';
    return container.restartPolicyRules?.length ? [forbidden(path.child('restartPolicyRules'), problem)] : [];
  }
  const errors = validateRestartPolicy(container, options, path);
  return container.restartPolicy === undefined ? errors.slice(0, 1) : errors;
}

function validateRestartRule(
  { action = '', exitCodes }: ContainerRestartRule,
  { allowRestartAllContainers }: PodValidationOptions,
  path: Path,
): ErrorList {
  const errors: ErrorList = [];
  const actions = allowRestartAllContainers ? RULE_ACTIONS : ACTIONS_ON_ITSELF;
  if (!actions.includes(action)) errors.push(notSupported(path.child('action'), action, actions));
  const at = path.child('exitCodes');
  if (!exitCodes) return [...errors, required(at, 'must be specified')];
  const { operator = '', values = [] } = exitCodes;
  if (!RULE_OPERATORS.includes(operator)) errors.push(notSupported(at.child('operator'), operator, RULE_OPERATORS));
  if (values.length > MAX_EXIT_CODES) errors.push(tooMany(at.child('values'), values.length, MAX_EXIT_CODES));
  return errors;
}

/** Templates may have blanks around the names of images. */
export function validateImageSpaces({ image = '' }: AnyContainer, path: Path): ErrorList {
  return image === image.trim()
    ? []
    : [invalid(path.child('image'), image, 'must not have leading or trailing whitespace')];
}
